-- When we learned that what was sent has arrived, where the platform tells.
ALTER TABLE sent ADD COLUMN confirmed_at bigint;
