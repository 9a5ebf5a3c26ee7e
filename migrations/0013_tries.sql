-- A mail whose reading ends the whole process (out of memory, a stack that overflows, a watchdog that waits in vain)
-- would end the next one too: who begins to read it says so first.
ALTER TABLE inbox ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;  -- begun, and not come to any end
