-- The steps of the message path, one function each: one round trip, one transaction, and no client in the middle of it
-- that could be stopped while it holds locks. Locks are taken in one order: dispatch or errand row, seen, threads, ready,
-- conversation's rows, lane. `p_now` is null where the database's own clock counts, so that clocks of nodes need not agree.

CREATE FUNCTION kefu_now(p_now bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(p_now, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;

-- A lane of dispatches is locked by its name: who adds to its end and who removes its head must see each other.
CREATE FUNCTION kefu_lock_lanes(p_lanes text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(hash) FROM (
        SELECT DISTINCT hashtextextended(lane, 7) AS hash FROM unnest(p_lanes) AS lane ORDER BY 1) AS hashes
$$;

-- Accepts arrivals, in order. For each its number, null where it was seen before. p_opened and p_contact are the bodies
-- of a conversation and a contact to open where the thread leads nowhere yet; null where the caller knows that it does.
CREATE FUNCTION kefu_accept(
    p_now bigint, p_inbox text[], p_external text[], p_peer text[], p_body text[], p_opened text[], p_contact text[],
    p_cursor_inbox text[], p_cursor_topic text[], p_cursor text[]
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_now bigint := kefu_now(p_now);
    v_fresh boolean[];
    v_ids bigint[];
BEGIN
    -- Sorted, so that two nodes with the same keys wait for each other in one order.
    WITH given AS (
        SELECT i, inbox, external_id, row_number() OVER (PARTITION BY inbox, external_id ORDER BY i) AS nth
        FROM unnest(p_inbox, p_external) WITH ORDINALITY AS t(inbox, external_id, i)
    ), fresh AS (
        INSERT INTO seen (inbox, external_id, at)
        SELECT inbox, external_id, v_now FROM given WHERE nth = 1 ORDER BY inbox, external_id
        ON CONFLICT DO NOTHING RETURNING inbox, external_id
    )
    SELECT array_agg(f.inbox IS NOT NULL AND g.nth = 1 ORDER BY g.i) INTO v_fresh
    FROM given g LEFT JOIN fresh f USING (inbox, external_id);

    -- Threads that lead nowhere: a conversation and a contact for each.
    WITH missing AS (
        SELECT DISTINCT ON (inbox, peer) inbox, peer, opened, contact
        FROM unnest(p_inbox, p_peer, p_opened, p_contact, v_fresh) WITH ORDINALITY
            AS t(inbox, peer, opened, contact, fresh, i)
        WHERE fresh AND opened IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM threads x WHERE x.inbox = t.inbox AND x.peer = t.peer)
        ORDER BY inbox, peer, i
    ), opened AS (
        INSERT INTO threads (inbox, peer, conversation, desk)
        SELECT inbox, peer, nextval('conversation_ids'), false FROM missing ORDER BY inbox, peer
        ON CONFLICT DO NOTHING RETURNING inbox, peer, conversation
    ), people AS (
        SELECT o.conversation, nextval('contact_ids') AS contact, m.opened AS body, m.contact AS person
        FROM opened o JOIN missing m USING (inbox, peer)
    ), known AS (
        INSERT INTO contacts (id, body) SELECT contact, person FROM people
    )
    INSERT INTO conversations (id, contact, phase, body) SELECT conversation, contact, 0, body FROM people;

    WITH given AS (
        SELECT t.i, t.body, t.fresh, x.conversation
        FROM unnest(p_inbox, p_peer, p_body, v_fresh) WITH ORDINALITY AS t(inbox, peer, body, fresh, i)
        LEFT JOIN threads x ON t.fresh AND x.inbox = t.inbox AND x.peer = t.peer
    ), numbered AS (
        SELECT i, conversation, body, fresh, CASE WHEN fresh THEN nextval('arrival_ids') END AS id
        FROM (SELECT * FROM given ORDER BY i) AS ordered
    ), stored AS (
        INSERT INTO arrivals (id, conversation, at, body)
        SELECT id, conversation, v_now, body FROM numbered WHERE fresh
    ), lanes AS (
        INSERT INTO ready (conversation, at)
        SELECT DISTINCT conversation, v_now FROM numbered WHERE fresh ORDER BY conversation
        ON CONFLICT (conversation) DO UPDATE SET at = ready.at
    )
    SELECT array_agg(id ORDER BY i) INTO v_ids FROM numbered;

    INSERT INTO cursors (inbox, topic, cursor)
    SELECT DISTINCT ON (inbox, topic) inbox, topic, cursor
    FROM unnest(p_cursor_inbox, p_cursor_topic, p_cursor) WITH ORDINALITY AS t(inbox, topic, cursor, i)
    ORDER BY inbox, topic, i DESC
    ON CONFLICT (inbox, topic) DO UPDATE SET cursor = excluded.cursor;
    RETURN coalesce(v_ids, '{}');
END $$;

-- Claims one conversation: lease and fence in one step. A claim that was never committed has failed: its arrivals count it.
CREATE FUNCTION kefu_claim(p_now bigint, p_lease bigint, p_limit integer) RETURNS TABLE (
    conversation bigint, fence bigint, conversation_body text, contact bigint, contact_body text, held bigint,
    ids bigint[], failures integer[], bodies text[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
    v_lane ready%ROWTYPE;
    v_fence bigint;
    v_ids bigint[];
BEGIN
    SELECT * INTO v_lane FROM ready r WHERE r.until <= v_now
        ORDER BY r.at, r.conversation LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN RETURN; END IF;
    IF v_lane.fence <> 0 THEN
        UPDATE arrivals a SET failures = a.failures + 1 WHERE a.id = ANY (v_lane.carried);
    END IF;
    v_fence := nextval('fences');
    v_ids := ARRAY(SELECT a.id FROM arrivals a WHERE a.conversation = v_lane.conversation ORDER BY a.id LIMIT p_limit);
    UPDATE ready r SET fence = v_fence, until = v_now + p_lease, carried = v_ids
        WHERE r.conversation = v_lane.conversation;
    RETURN QUERY
        SELECT c.id, v_fence, c.body, p.id, p.body,
            (SELECT count(*) FROM dispatches d, threads t
                WHERE t.conversation = c.id AND NOT t.desk AND d.lane = t.inbox || E'\x1f' || t.peer || E'\x1f' AND d.held),
            v_ids,
            ARRAY(SELECT a.failures FROM arrivals a WHERE a.id = ANY (v_ids) ORDER BY a.id),
            ARRAY(SELECT a.body FROM arrivals a WHERE a.id = ANY (v_ids) ORDER BY a.id)
        FROM conversations c JOIN contacts p ON p.id = c.contact WHERE c.id = v_lane.conversation;
END $$;

-- Hands a claim back as a failure. Whether it was held.
CREATE FUNCTION kefu_abandon(p_now bigint, p_conversation bigint, p_fence bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_lane ready%ROWTYPE;
BEGIN
    SELECT * INTO v_lane FROM ready WHERE conversation = p_conversation AND fence = p_fence FOR UPDATE;
    IF NOT FOUND THEN RETURN false; END IF;
    UPDATE arrivals SET failures = failures + 1 WHERE id = ANY (v_lane.carried);
    UPDATE ready SET fence = 0, until = 0, carried = '{}', at = kefu_now(p_now) WHERE conversation = p_conversation;
    RETURN true;
END $$;

-- Writes what the turns of a claim came to, all or nothing. outcome: ok, lost, seat.
CREATE FUNCTION kefu_commit(
    p_now bigint, p_conversation bigint, p_fence bigint, p_body text, p_phase smallint, p_agent text, p_seats integer,
    p_contact bigint, p_contact_body text, p_done bigint[], p_verdicts text[],
    p_entry_traces bigint[], p_entry_authors text[], p_entry_bodies text[], p_entry_ats bigint[], p_episode integer,
    p_lanes text[], p_held boolean[], p_traces bigint[], p_dispatches text[],
    p_release integer, p_contact_lane text, p_cancel boolean,
    p_ask_traces bigint[], p_ask_bots text[], p_ask_argvs text[], p_ask_said text[], p_ask_due bigint[],
    p_ask_latest bigint[],
    p_thread_inboxes text[], p_thread_peers text[], p_deadline_kinds text[], p_deadline_ats bigint[],
    OUT outcome text, OUT dispatched bigint[], OUT cancelled bigint[], OUT more boolean
) LANGUAGE plpgsql AS $$
DECLARE
    v_now bigint := kefu_now(p_now);
    v_carried bigint[];
    v_tail bigint;
    v_agent text;
    v_errand bigint;
    i integer;
BEGIN
    dispatched := '{}';
    cancelled := '{}';
    more := false;
    SELECT carried INTO v_carried FROM ready WHERE conversation = p_conversation AND fence = p_fence FOR UPDATE;
    IF NOT FOUND THEN outcome := 'lost'; RETURN; END IF;
    SELECT c.agent, c.tail INTO v_agent, v_tail FROM conversations c WHERE c.id = p_conversation FOR UPDATE;
    IF p_seats IS NOT NULL AND p_agent IS NOT NULL AND v_agent IS DISTINCT FROM p_agent THEN
        -- One at a time gives seats of this agent; the statement after sees what the one before has given.
        PERFORM pg_advisory_xact_lock(hashtextextended(p_agent, 11));
        IF (SELECT count(*) FROM conversations c WHERE c.phase = 2 AND c.agent = p_agent) >= p_seats THEN
            outcome := 'seat';
            RETURN;
        END IF;
    END IF;

    -- Lanes before rows: a settlement that makes the next one a head holds the lane first, too.
    IF p_release > 0 OR cardinality(p_lanes) > 0 THEN
        PERFORM kefu_lock_lanes(p_lanes || p_contact_lane);
    END IF;
    UPDATE dispatches SET held = false, due_at = v_now WHERE id IN (
        SELECT d.id FROM dispatches d WHERE d.lane = p_contact_lane AND d.held ORDER BY d.id LIMIT p_release);

    WITH done AS (
        DELETE FROM arrivals a USING unnest(p_done, p_verdicts) AS t(id, verdict)
        WHERE a.id = t.id AND a.conversation = p_conversation AND a.id = ANY (v_carried)
        RETURNING a.id, a.conversation, a.at, t.verdict, a.body
    )
    INSERT INTO turned (id, conversation, at, turned_at, verdict, body)
    SELECT id, conversation, at, v_now, verdict, body FROM done;

    FOR i IN 1 .. cardinality(p_entry_traces) LOOP
        INSERT INTO entries (id, conversation, prev, trace, episode, at, author, body)
        VALUES (nextval('entry_ids'), p_conversation, v_tail, p_entry_traces[i], p_episode, p_entry_ats[i],
            p_entry_authors[i], p_entry_bodies[i])
        RETURNING id INTO v_tail;
    END LOOP;

    UPDATE conversations SET phase = p_phase, agent = p_agent, tail = v_tail, body = p_body WHERE id = p_conversation;
    IF p_contact_body IS NOT NULL THEN
        UPDATE contacts SET body = p_contact_body WHERE id = p_contact;
    END IF;
    INSERT INTO threads (inbox, peer, conversation, desk)
    SELECT inbox, peer, p_conversation, true FROM unnest(p_thread_inboxes, p_thread_peers) AS t(inbox, peer)
    ORDER BY inbox, peer
    ON CONFLICT (inbox, peer) DO UPDATE SET conversation = excluded.conversation, desk = true;

    FOR i IN 1 .. cardinality(p_lanes) LOOP
        INSERT INTO dispatches (id, lane, head, held, due_at, trace, body)
        VALUES (nextval('dispatch_ids'), p_lanes[i],
            NOT EXISTS (SELECT 1 FROM dispatches d WHERE d.lane = p_lanes[i]),
            p_held[i], v_now, p_traces[i], p_dispatches[i])
        RETURNING dispatched || id INTO dispatched;
    END LOOP;

    IF p_cancel THEN
        WITH gone AS (DELETE FROM errands WHERE conversation = p_conversation RETURNING id, until)
        SELECT coalesce(array_agg(id ORDER BY id) FILTER (WHERE until > v_now), '{}') INTO cancelled FROM gone;
    END IF;
    FOR i IN 1 .. cardinality(p_ask_bots) LOOP
        -- Words are added to a question that nobody ever took: one that was taken may have been answered already.
        SELECT e.id INTO v_errand FROM errands e
            WHERE e.conversation = p_conversation AND e.episode = p_episode AND e.bot = p_ask_bots[i]
                AND e.argv = p_ask_argvs[i] AND e.attempts = 0
            ORDER BY e.id LIMIT 1 FOR UPDATE;
        IF FOUND THEN
            UPDATE errands SET said = said || ARRAY(SELECT json_array_elements(p_ask_said[i]::json)::text),
                due_at = greatest(due_at, least(p_ask_due[i], latest)) WHERE id = v_errand;
        ELSE
            INSERT INTO errands (id, conversation, due_at, latest, trace, episode, bot, argv, said)
            VALUES (nextval('errand_ids'), p_conversation, p_ask_due[i], p_ask_latest[i], p_ask_traces[i], p_episode,
                p_ask_bots[i], p_ask_argvs[i], ARRAY(SELECT json_array_elements(p_ask_said[i]::json)::text));
        END IF;
    END LOOP;

    DELETE FROM deadlines WHERE conversation = p_conversation AND kind = ANY (p_deadline_kinds);
    INSERT INTO deadlines (conversation, kind, at, episode)
    SELECT p_conversation, kind, at, p_episode FROM unnest(p_deadline_kinds, p_deadline_ats) AS t(kind, at)
    WHERE at IS NOT NULL;

    more := EXISTS (SELECT 1 FROM arrivals WHERE conversation = p_conversation);
    IF more THEN
        UPDATE ready SET fence = 0, until = 0, carried = '{}', at = v_now WHERE conversation = p_conversation;
    ELSE
        DELETE FROM ready WHERE conversation = p_conversation;
    END IF;
    outcome := 'ok';
END $$;

CREATE FUNCTION kefu_due_dispatches(p_now bigint, p_limit integer, p_lease bigint)
RETURNS TABLE (id bigint, fence bigint, attempts integer, body text) LANGUAGE sql AS $$
    WITH moment AS MATERIALIZED (SELECT kefu_now(p_now) AS now), free AS (
        SELECT d.id FROM dispatches d, moment
        WHERE d.head AND NOT d.held AND d.due_at <= moment.now AND d.until <= moment.now
        ORDER BY d.due_at, d.id LIMIT p_limit FOR UPDATE OF d SKIP LOCKED)
    UPDATE dispatches d SET fence = nextval('fences'), until = moment.now + p_lease, attempts = d.attempts + 1
    FROM free, moment WHERE d.id = free.id
    RETURNING d.id, d.fence, d.attempts, d.body
$$;

CREATE FUNCTION kefu_due_errands(p_now bigint, p_limit integer, p_lease bigint) RETURNS TABLE (
    id bigint, fence bigint, attempts integer, trace bigint, episode integer, bot text, argv text, said text[],
    conversation bigint, conversation_body text, contact bigint, contact_body text
) LANGUAGE sql AS $$
    WITH moment AS MATERIALIZED (SELECT kefu_now(p_now) AS now), free AS (
        SELECT e.id FROM errands e, moment
        WHERE e.due_at <= moment.now AND e.until <= moment.now
            AND NOT EXISTS (SELECT 1 FROM errands f WHERE f.conversation = e.conversation AND f.id < e.id)
        ORDER BY e.due_at, e.id LIMIT p_limit FOR UPDATE OF e SKIP LOCKED
    ), taken AS (
        UPDATE errands e SET fence = nextval('fences'), until = moment.now + p_lease, attempts = e.attempts + 1
        FROM free, moment WHERE e.id = free.id
        RETURNING e.*)
    SELECT t.id, t.fence, t.attempts, t.trace, t.episode, t.bot, t.argv, t.said, c.id, c.body, p.id, p.body
    FROM taken t JOIN conversations c ON c.id = t.conversation JOIN contacts p ON p.id = c.contact
$$;

CREATE FUNCTION kefu_due_deadlines(p_now bigint, p_limit integer, p_lease bigint) RETURNS TABLE (
    conversation bigint, kind text, fence bigint, at bigint, episode integer, conversation_body text
) LANGUAGE sql AS $$
    WITH moment AS MATERIALIZED (SELECT kefu_now(p_now) AS now), free AS (
        SELECT d.conversation, d.kind FROM deadlines d, moment
        WHERE d.at <= moment.now AND d.until <= moment.now
        ORDER BY d.at LIMIT p_limit FOR UPDATE OF d SKIP LOCKED
    ), taken AS (
        UPDATE deadlines d SET fence = nextval('fences'), until = moment.now + p_lease
        FROM free, moment WHERE d.conversation = free.conversation AND d.kind = free.kind
        RETURNING d.*)
    SELECT t.conversation, t.kind, t.fence, t.at, t.episode, c.body
    FROM taken t JOIN conversations c ON c.id = t.conversation
$$;

-- Settles a dispatch: done, dead, retry or held. The cue that tells the conversation is accepted in the same step.
-- Whether it was still the settler's.
CREATE FUNCTION kefu_settle_dispatch(
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
    IF p_outcome = 'retry' THEN
        UPDATE dispatches SET fence = 0, until = 0, held = false, due_at = p_at, reason = p_reason WHERE id = p_id;
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

CREATE FUNCTION kefu_settle_errand(
    p_now bigint, p_id bigint, p_fence bigint, p_outcome text, p_at bigint,
    p_cue_inbox text[], p_cue_external text[], p_cue_peer text[], p_cue_body text[], p_cue_opened text[], p_cue_contact text[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF p_outcome = 'retry' THEN
        UPDATE errands SET fence = 0, until = 0, due_at = p_at WHERE id = p_id AND fence = p_fence;
        RETURN FOUND;
    END IF;
    DELETE FROM errands WHERE id = p_id AND fence = p_fence;
    IF NOT FOUND THEN RETURN false; END IF;
    IF cardinality(p_cue_inbox) > 0 THEN
        PERFORM kefu_accept(p_now, p_cue_inbox, p_cue_external, p_cue_peer, p_cue_body, p_cue_opened, p_cue_contact,
            '{}', '{}', '{}');
    END IF;
    RETURN true;
END $$;

CREATE FUNCTION kefu_settle_deadline(
    p_now bigint, p_conversation bigint, p_kind text, p_fence bigint, p_outcome text, p_at bigint,
    p_cue_inbox text[], p_cue_external text[], p_cue_peer text[], p_cue_body text[], p_cue_opened text[], p_cue_contact text[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- A deadline that was moved meanwhile has fence 0: it stands.
    IF p_outcome = 'retry' THEN
        UPDATE deadlines SET fence = 0, until = 0, at = p_at
            WHERE conversation = p_conversation AND kind = p_kind AND fence = p_fence;
        RETURN FOUND;
    END IF;
    DELETE FROM deadlines WHERE conversation = p_conversation AND kind = p_kind AND fence = p_fence;
    IF NOT FOUND THEN RETURN false; END IF;
    IF cardinality(p_cue_inbox) > 0 THEN
        PERFORM kefu_accept(p_now, p_cue_inbox, p_cue_external, p_cue_peer, p_cue_body, p_cue_opened, p_cue_contact,
            '{}', '{}', '{}');
    END IF;
    RETURN true;
END $$;
