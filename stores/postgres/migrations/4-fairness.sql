-- What is due can leave out inboxes and bots that have enough in work, however much of theirs waits: dispatches are found
-- by inbox. And what only waited its turn has as many tries left as before ('postpone'). Functions of the version before
-- stay, for nodes that still run it.

ALTER TABLE dispatches ADD COLUMN inbox text COLLATE "C" NOT NULL GENERATED ALWAYS AS (split_part(lane, E'\x1f', 1)) STORED;
CREATE INDEX dispatches_ready ON dispatches (inbox, due_at, id) WHERE head AND NOT held;
DROP INDEX dispatches_due;

-- Inboxes with something that is not held, but those: a few probes of the index, not a scan.
CREATE FUNCTION kefu_inboxes_ready(p_but text[]) RETURNS SETOF text LANGUAGE sql STABLE ROWS 8 AS $$
    WITH RECURSIVE inboxes(inbox) AS (
        (SELECT d.inbox FROM dispatches d WHERE d.head AND NOT d.held ORDER BY d.inbox LIMIT 1)
        UNION ALL
        SELECT (SELECT d.inbox FROM dispatches d WHERE d.head AND NOT d.held AND d.inbox > i.inbox ORDER BY d.inbox LIMIT 1)
        FROM inboxes i WHERE i.inbox IS NOT NULL)
    SELECT inbox FROM inboxes WHERE inbox <> ALL (p_but)
$$;

CREATE FUNCTION kefu_due_dispatches(p_now bigint, p_limit integer, p_lease bigint, p_but text[])
RETURNS TABLE (id bigint, fence bigint, attempts integer, body text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
    v_free bigint[];
BEGIN
    v_free := ARRAY(
        SELECT d.id FROM kefu_inboxes_ready(p_but) AS i(inbox) CROSS JOIN LATERAL (
            SELECT e.id, e.due_at FROM dispatches e
            WHERE e.inbox = i.inbox AND e.head AND NOT e.held AND e.due_at <= v_now AND e.until <= v_now
            ORDER BY e.due_at, e.id LIMIT p_limit FOR UPDATE OF e SKIP LOCKED) AS d
        ORDER BY d.due_at, d.id LIMIT p_limit);
    IF cardinality(v_free) = 0 THEN RETURN; END IF;
    RETURN QUERY UPDATE dispatches d SET fence = nextval('fences'), until = v_now + p_lease, attempts = d.attempts + 1
        WHERE d.id = ANY (v_free) RETURNING d.id, d.fence, d.attempts, d.body;
END $$;

-- When the next may go: its time, or the end of its lease. Those taken are among the earliest of their inbox.
CREATE FUNCTION kefu_next_dispatch(p_but text[]) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT min(times.at) FROM kefu_inboxes_ready('{}') AS i(inbox) CROSS JOIN LATERAL (
        (SELECT d.due_at FROM dispatches d WHERE d.inbox = i.inbox AND d.head AND NOT d.held AND d.until = 0
            AND i.inbox <> ALL (p_but) ORDER BY d.due_at LIMIT 1)
        UNION ALL
        SELECT min(taken.until) FROM (
            SELECT d.until FROM dispatches d WHERE d.inbox = i.inbox AND d.head AND NOT d.held
            ORDER BY d.due_at, d.id LIMIT 1024) AS taken
        WHERE taken.until > 0) AS times(at)
$$;

CREATE FUNCTION kefu_due_errands(p_now bigint, p_limit integer, p_lease bigint, p_but text[]) RETURNS TABLE (
    id bigint, fence bigint, attempts integer, trace bigint, episode integer, bot text, argv text, said text[],
    conversation bigint, conversation_body text, contact bigint, contact_body text
) LANGUAGE sql AS $$
    WITH moment AS MATERIALIZED (SELECT kefu_now(p_now) AS now), free AS MATERIALIZED (
        SELECT e.id FROM errands e, moment
        WHERE e.due_at <= moment.now AND e.until <= moment.now AND e.bot <> ALL (p_but)
            AND NOT EXISTS (SELECT 1 FROM errands f WHERE f.conversation = e.conversation AND f.id < e.id)
        ORDER BY e.due_at, e.id LIMIT p_limit FOR UPDATE OF e SKIP LOCKED
    ), taken AS (
        UPDATE errands e SET fence = nextval('fences'), until = moment.now + p_lease, attempts = e.attempts + 1
        FROM free, moment WHERE e.id = free.id
        RETURNING e.*)
    SELECT t.id, t.fence, t.attempts, t.trace, t.episode, t.bot, t.argv, t.said, c.id, c.body, p.id, p.body
    FROM taken t JOIN conversations c ON c.id = t.conversation JOIN contacts p ON p.id = c.contact
$$;

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
        UPDATE dispatches SET fence = 0, until = 0, held = false, due_at = p_at, reason = p_reason,
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
    UPDATE dispatches SET head = true WHERE id = (
        SELECT d.id FROM dispatches d WHERE d.lane = v_row.lane ORDER BY d.id LIMIT 1);
    RETURN true;
END $$;
