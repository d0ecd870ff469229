-- A clock that was set back put off what was due, and made leases long, by as much: what is farther off than anybody asks
-- for is due now. Whether there was anything.
CREATE FUNCTION kefu_recall(p_now bigint, p_farther_than bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_now bigint := kefu_now(p_now);
    v_farthest bigint := v_now + p_farther_than;
    v_found boolean;
BEGIN
    -- Who is at work may have renewed the lease since: that one stays.
    UPDATE dispatches SET due_at = CASE WHEN due_at > v_farthest AND NOT held THEN v_now ELSE due_at END,
        until = CASE WHEN until > v_farthest THEN v_now ELSE until END WHERE id = ANY (ARRAY(
        SELECT d.id FROM dispatches d WHERE NOT d.held AND d.due_at > v_farthest OR d.until > v_farthest
        FOR UPDATE SKIP LOCKED));
    v_found := FOUND;
    UPDATE errands SET due_at = least(due_at, v_now), until = CASE WHEN until > v_farthest THEN v_now ELSE until END WHERE id = ANY (ARRAY(
        SELECT e.id FROM errands e WHERE e.due_at > v_farthest OR e.until > v_farthest
        FOR UPDATE SKIP LOCKED));
    v_found := v_found OR FOUND;
    UPDATE deadlines d SET until = v_now FROM (
        SELECT x.conversation, x.kind FROM deadlines x WHERE x.until > v_farthest FOR UPDATE SKIP LOCKED) AS far
        WHERE d.conversation = far.conversation AND d.kind = far.kind;
    v_found := v_found OR FOUND;
    UPDATE ready SET until = v_now WHERE conversation = ANY (ARRAY(
        SELECT r.conversation FROM ready r WHERE r.until > v_farthest FOR UPDATE SKIP LOCKED));
    RETURN v_found OR FOUND;
END $$;
