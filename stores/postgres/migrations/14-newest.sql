-- A question to a slow bot carries the newest 200 things said (`SAID_LIMIT`): whoever writes on while the bot is busy makes no row
-- without end.
CREATE FUNCTION kefu_newest_said() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.said := NEW.said[cardinality(NEW.said) - 199:];
    RETURN NEW;
END $$;
CREATE TRIGGER errands_newest_said BEFORE UPDATE ON errands FOR EACH ROW WHEN (cardinality(NEW.said) > 200)
    EXECUTE FUNCTION kefu_newest_said();
