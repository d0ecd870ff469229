-- Claims and settlements in one transaction for many who ask at the same time: at 3,000 messages a second transactions were
-- what the database was busy with.

-- As many claims as there are, up to p_count.
CREATE FUNCTION kefu_claims(p_now bigint, p_lease bigint, p_limit integer, p_count integer) RETURNS TABLE (
    conversation bigint, fence bigint, conversation_body text, contact bigint, contact_body text, held bigint,
    ids bigint[], failures integer[], bodies text[]
) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. p_count LOOP
        RETURN QUERY SELECT * FROM kefu_claim(p_now, p_lease, p_limit);
        EXIT WHEN NOT FOUND;
    END LOOP;
END $$;

-- Settles dispatches that were sent. The fences of those that were still the settlers'. Lanes before rows, as everywhere.
CREATE FUNCTION kefu_settle_sent(p_now bigint, p_ids bigint[], p_fences bigint[], p_externals text[], p_losts text[])
RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    v_now bigint := kefu_now(p_now);
    v_lanes text[] := ARRAY(SELECT DISTINCT d.lane FROM dispatches d WHERE d.id = ANY (p_ids));
BEGIN
    PERFORM kefu_lock_lanes(v_lanes);
    RETURN QUERY WITH gone AS (
        DELETE FROM dispatches d USING unnest(p_ids, p_fences, p_externals, p_losts) AS given(id, fence, external, lost)
        WHERE d.id = given.id AND d.fence = given.fence
        RETURNING d.id, d.fence, d.trace, d.attempts, d.body, given.external, given.lost
    ), kept AS (
        INSERT INTO sent (trace, id, at, state, attempts, reason, external_id, lost, body)
        SELECT g.trace, g.id, v_now, 'sent', g.attempts, NULL, g.external, g.lost, g.body FROM gone g)
    SELECT g.fence FROM gone g;
    UPDATE dispatches SET head = true WHERE NOT head AND id IN (
        SELECT (SELECT d.id FROM dispatches d WHERE d.lane = lanes.lane ORDER BY d.id LIMIT 1) FROM unnest(v_lanes) AS lanes(lane));
END $$;
