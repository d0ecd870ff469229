-- Where the queues begin. What is done leaves dead entries at the front of a queue's index until the last snapshot that
-- sees them is gone, and a backup by pg_dump holds one for as long as it takes: at 50,000 messages since its beginning a look
-- for what is due read 100,000 dead entries and took 200 ms instead of 3. So nodes remember before which time nothing waits
-- (`kefu_horizon`), and walk from there. It holds because nothing enters a queue in the past: who becomes the first of a lane
-- does so now, and who is tried again is tried from now on at the earliest.

CREATE OR REPLACE FUNCTION kefu_settle_all(
    p_now bigint, p_ids bigint[], p_fences bigint[], p_outcomes text[], p_ats bigint[], p_reasons text[],
    p_externals text[], p_losts text[], OUT settled bigint[], OUT promoted boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
    v_gone bigint[];
    v_lanes text[];
BEGIN
    settled := '{}';
    promoted := false;
    IF p_outcomes && '{retry,postpone,held}' THEN
        WITH back AS (
            UPDATE dispatches d SET fence = 0, until = 0, held = g.outcome = 'held', reason = g.reason,
                due_at = CASE g.outcome WHEN 'held' THEN v_now ELSE greatest(g.at, v_now) END,
                attempts = d.attempts - (g.outcome = 'postpone')::integer
            FROM (SELECT * FROM unnest(p_ids, p_fences, p_outcomes, p_ats, p_reasons) AS t(id, fence, outcome, at, reason)
                WHERE t.outcome IN ('retry', 'postpone', 'held') ORDER BY t.id) AS g
            WHERE d.id = g.id AND d.fence = g.fence RETURNING d.id, g.fence
        )
        SELECT coalesce(array_agg(b.fence), '{}') INTO settled FROM back b;
    END IF;
    IF NOT p_outcomes && '{done,dead}' THEN RETURN; END IF;
    v_lanes := ARRAY(SELECT DISTINCT d.lane FROM unnest(p_ids, p_outcomes) AS t(id, outcome)
        JOIN dispatches d ON d.id = t.id WHERE t.outcome IN ('done', 'dead'));
    PERFORM pg_advisory_xact_lock(hash) FROM (
        SELECT DISTINCT hashtextextended(lane, 7) AS hash FROM unnest(v_lanes) AS lanes(lane) ORDER BY 1) AS hashes;
    WITH gone AS (
        DELETE FROM dispatches d USING unnest(p_ids, p_fences, p_outcomes, p_reasons, p_externals, p_losts)
            AS g(id, fence, outcome, reason, external, lost)
        WHERE g.outcome IN ('done', 'dead') AND d.id = g.id AND d.fence = g.fence
        RETURNING d.id, d.fence, d.trace, d.attempts, d.body, g.outcome, g.reason, g.external, g.lost
    ), kept AS (
        INSERT INTO sent (trace, id, at, state, attempts, reason, external_id, lost, body)
        SELECT g.trace, g.id, v_now, CASE g.outcome WHEN 'done' THEN 'sent' ELSE 'dead' END, g.attempts, g.reason,
            g.external, g.lost, g.body FROM gone g ORDER BY g.trace, g.id
    )
    SELECT array_agg(g.fence) INTO v_gone FROM gone g;
    settled := settled || coalesce(v_gone, '{}');
    UPDATE dispatches d SET head = true, due_at = greatest(due_at, v_now) WHERE NOT d.head AND d.id IN (
        SELECT (SELECT n.id FROM dispatches n WHERE n.lane = lanes.lane ORDER BY n.id LIMIT 1)
        FROM unnest(v_lanes) AS lanes(lane));
    promoted := FOUND;
END $$;

CREATE OR REPLACE FUNCTION kefu_settle_dispatch(
    p_now bigint, p_id bigint, p_fence bigint, p_outcome text, p_at bigint, p_reason text, p_external text, p_lost text,
    p_cue_inbox text[], p_cue_external text[], p_cue_peer text[], p_cue_body text[], p_cue_opened text[], p_cue_contact text[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_now bigint := kefu_now(p_now);
    v_row dispatches%ROWTYPE;
BEGIN
    SELECT * INTO v_row FROM dispatches WHERE id = p_id AND fence = p_fence FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    IF cardinality(p_cue_inbox) > 0 THEN
        PERFORM kefu_accept(p_now, p_cue_inbox, p_cue_external, p_cue_peer, p_cue_body, p_cue_opened, p_cue_contact,
            '{}', '{}', '{}');
    END IF;
    IF p_outcome IN ('retry', 'postpone') THEN
        UPDATE dispatches SET fence = 0, until = 0, held = false, due_at = greatest(p_at, v_now), reason = p_reason,
            attempts = attempts - (p_outcome = 'postpone')::integer WHERE id = p_id;
        RETURN true;
    ELSIF p_outcome = 'held' THEN
        UPDATE dispatches SET fence = 0, until = 0, held = true, due_at = v_now, reason = p_reason WHERE id = p_id;
        RETURN true;
    END IF;
    PERFORM kefu_lock_lanes(ARRAY[v_row.lane]);
    INSERT INTO sent (trace, id, at, state, attempts, reason, external_id, lost, body)
    VALUES (v_row.trace, p_id, v_now, CASE p_outcome WHEN 'done' THEN 'sent' ELSE 'dead' END, v_row.attempts, p_reason,
        p_external, p_lost, v_row.body);
    DELETE FROM dispatches WHERE id = p_id;
    UPDATE dispatches SET head = true, due_at = greatest(due_at, v_now) WHERE id = (
        SELECT d.id FROM dispatches d WHERE d.lane = v_row.lane ORDER BY d.id LIMIT 1);
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION kefu_forget(p_now bigint, p_before bigint, p_limit integer) RETURNS bigint LANGUAGE plpgsql AS $$
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
    UPDATE dispatches d SET head = true, due_at = greatest(due_at, v_now) WHERE NOT d.head AND d.id IN (
        SELECT (SELECT n.id FROM dispatches n WHERE n.lane = lanes.lane ORDER BY n.id LIMIT 1)
        FROM unnest(v_lanes) AS lanes(lane));
    RETURN v_count;
END $$;

-- The oldest entry of each queue from where it began so far; what is being written now is seconds old at the most.
CREATE FUNCTION kefu_horizon(p_now bigint, p_lanes bigint, p_inboxes text[], p_froms bigint[],
    OUT moment bigint, OUT lanes bigint, OUT froms bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_sure bigint;
BEGIN
    moment := kefu_now(p_now);
    v_sure := moment - 10000;
    lanes := least(v_sure, (SELECT r.at FROM ready r WHERE r.at >= p_lanes ORDER BY r.at, r.conversation LIMIT 1));
    froms := ARRAY(
        SELECT least(v_sure, (SELECT d.due_at FROM dispatches d WHERE d.inbox = k.inbox AND d.head AND NOT d.held
            AND d.due_at >= k.at ORDER BY d.due_at, d.id LIMIT 1))
        FROM unnest(p_inboxes, p_froms) WITH ORDINALITY AS k(inbox, at, nth) ORDER BY k.nth);
END $$;

-- As before, from there on.
CREATE FUNCTION kefu_claims(p_now bigint, p_lease bigint, p_limit integer, p_count integer, p_from bigint) RETURNS TABLE (
    conversation bigint, fence bigint, conversation_body text, contact bigint, contact_body text, held bigint,
    ids bigint[], failures integer[], bodies text[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
    v_row record;
    v_lanes bigint[] := '{}';
    v_failed bigint[] := '{}';
BEGIN
    FOR v_row IN SELECT r.conversation, r.fence, r.carried FROM ready r WHERE r.at >= p_from AND r.until <= v_now
        ORDER BY r.at, r.conversation LIMIT p_count FOR UPDATE SKIP LOCKED
    LOOP
        v_lanes := v_lanes || v_row.conversation;
        IF v_row.fence <> 0 THEN v_failed := v_failed || v_row.carried; END IF;
    END LOOP;
    IF cardinality(v_lanes) = 0 THEN RETURN; END IF;
    -- A claim that was never committed has failed: its arrivals count it.
    IF cardinality(v_failed) > 0 THEN
        UPDATE arrivals a SET failures = a.failures + 1 WHERE a.id = ANY (v_failed);
    END IF;
    UPDATE ready r SET fence = nextval('fences'), until = v_now + p_lease, carried = ARRAY(
            SELECT a.id FROM arrivals a WHERE a.conversation = r.conversation ORDER BY a.id LIMIT p_limit)
        WHERE r.conversation = ANY (v_lanes);
    RETURN QUERY
        SELECT c.id, r.fence, c.body, p.id, p.body, kefu_held(c.id), waiting.ids, waiting.failures, waiting.bodies
        FROM unnest(v_lanes) WITH ORDINALITY AS l(id, nth) JOIN ready r ON r.conversation = l.id
            JOIN conversations c ON c.id = l.id JOIN contacts p ON p.id = c.contact, LATERAL (
                SELECT array_agg(a.id ORDER BY a.id) AS ids, array_agg(a.failures ORDER BY a.id) AS failures,
                    array_agg(a.body ORDER BY a.id) AS bodies
                FROM unnest(r.carried) AS carried(id) JOIN arrivals a ON a.id = carried.id) AS waiting
        ORDER BY l.nth;
END $$;

-- Inboxes with something to send that are none of these, which come in order: what lies between two of them, and beyond.
CREATE FUNCTION kefu_strangers(p_known text[]) RETURNS SETOF text LANGUAGE plpgsql STABLE ROWS 2 AS $$
DECLARE
    v_after text := '';
    v_before text;
    v_next text;
BEGIN
    FOREACH v_before IN ARRAY p_known || E'\U0010FFFF'::text LOOP
        LOOP
            SELECT d.inbox INTO v_next FROM dispatches d
            WHERE d.head AND NOT d.held AND d.inbox > v_after AND d.inbox < v_before ORDER BY d.inbox LIMIT 1;
            EXIT WHEN NOT FOUND;
            RETURN NEXT v_next;
            v_after := v_next;
        END LOOP;
        v_after := v_before;
    END LOOP;
END $$;

-- Each inbox and where its queue begins.
CREATE FUNCTION kefu_queues(p_known text[], p_froms bigint[]) RETURNS TABLE (inbox text, at bigint)
LANGUAGE plpgsql STABLE ROWS 8 AS $$
BEGIN
    RETURN QUERY SELECT * FROM unnest(p_known, p_froms);
    RETURN QUERY SELECT s.inbox, (-9223372036854775808)::bigint FROM kefu_strangers(p_known) AS s(inbox);
END $$;

CREATE FUNCTION kefu_due_dispatches(
    p_now bigint, p_limit integer, p_lease bigint, p_but text[], p_known text[], p_froms bigint[]
) RETURNS TABLE (id bigint, fence bigint, attempts integer, body text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
    v_free bigint[];
BEGIN
    v_free := ARRAY(
        SELECT d.id FROM kefu_queues(p_known, p_froms) AS q CROSS JOIN LATERAL (
            SELECT e.id, e.due_at FROM dispatches e
            WHERE e.inbox = q.inbox AND e.head AND NOT e.held AND e.due_at >= q.at AND e.due_at <= v_now AND e.until <= v_now
            ORDER BY e.due_at, e.id LIMIT p_limit FOR UPDATE OF e SKIP LOCKED) AS d
        WHERE q.inbox <> ALL (p_but)
        ORDER BY d.due_at, d.id LIMIT p_limit);
    IF cardinality(v_free) = 0 THEN RETURN; END IF;
    RETURN QUERY UPDATE dispatches d SET fence = nextval('fences'), until = v_now + p_lease, attempts = d.attempts + 1
        WHERE d.id = ANY (v_free) RETURNING d.id, d.fence, d.attempts, d.body;
END $$;

-- When the next may go: its time, or the end of its lease. Those taken are among the earliest of their inbox.
CREATE FUNCTION kefu_next_dispatch(p_but text[], p_known text[], p_froms bigint[]) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(times.at) FROM kefu_queues(p_known, p_froms) AS q CROSS JOIN LATERAL (
        (SELECT d.due_at FROM dispatches d WHERE d.inbox = q.inbox AND d.head AND NOT d.held AND d.due_at >= q.at
            AND d.until = 0 AND q.inbox <> ALL (p_but) ORDER BY d.due_at LIMIT 1)
        UNION ALL
        SELECT min(taken.until) FROM (
            SELECT d.until FROM dispatches d WHERE d.inbox = q.inbox AND d.head AND NOT d.held AND d.due_at >= q.at
            ORDER BY d.due_at, d.id LIMIT 1024) AS taken
        WHERE taken.until > 0) AS times(at));
END $$;
