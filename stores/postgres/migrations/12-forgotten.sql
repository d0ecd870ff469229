-- What was held for a contact who never wrote again goes when history of its age does.

CREATE INDEX dispatches_held_since ON dispatches (due_at) WHERE head AND held;

-- Removes, of so many lanes, what has been held since before then and is first, and what has waited behind it as long. How
-- many dispatches.
CREATE FUNCTION kefu_forget(p_now bigint, p_before bigint, p_limit integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_now bigint := kefu_now(p_now);
    v_lanes text[];
    v_lane text;
    v_row record;
    v_old bigint[] := '{}';
    v_count bigint;
BEGIN
    v_lanes := ARRAY(SELECT d.lane FROM dispatches d WHERE d.head AND d.held AND d.due_at < p_before
        ORDER BY d.due_at LIMIT p_limit);
    IF cardinality(v_lanes) = 0 THEN RETURN 0; END IF;
    -- Whoever adds to a lane or releases what is held in it holds it, too: from here on it stays as it is.
    PERFORM kefu_lock_lanes(v_lanes);
    FOREACH v_lane IN ARRAY v_lanes LOOP
        FOR v_row IN SELECT d.id, d.head, d.held, d.due_at, d.until FROM dispatches d WHERE d.lane = v_lane ORDER BY d.id LOOP
            EXIT WHEN v_row.due_at >= p_before OR v_row.until > v_now OR (v_row.head AND NOT v_row.held);
            v_old := v_old || v_row.id;
        END LOOP;
    END LOOP;
    DELETE FROM dispatches d WHERE d.id = ANY (v_old) AND d.due_at < p_before AND d.until <= v_now;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE dispatches d SET head = true WHERE NOT d.head AND d.id IN (
        SELECT (SELECT n.id FROM dispatches n WHERE n.lane = lanes.lane ORDER BY n.id LIMIT 1)
        FROM unnest(v_lanes) AS lanes(lane));
    RETURN v_count;
END $$;
