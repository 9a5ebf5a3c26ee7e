-- A start looks for groups that were set aside by a clock which was ahead.
CREATE INDEX groups_failing ON groups (error_at) WHERE last_error IS NOT NULL;
