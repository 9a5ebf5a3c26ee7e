-- "Was it you?", asked once more after a word that was neither a yes nor a no.
ALTER TABLE challenges ADD COLUMN again_key TEXT;      -- the mail that asks again
