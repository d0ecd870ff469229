-- Accepts, commits and settlements for many callers in one transaction each, set by set; and two steps saved: who accepts
-- may have the turn at once, and who commits may send at once. Each commit is refused alone: what it is refused for is
-- known before anything is written. Locks in one order, as before: lanes (`ready`) and conversations by number, agents'
-- seats, recipients' lanes. Functions of the version before stay, for nodes that still run it.

-- What a claim counts is nearly always nothing.
CREATE INDEX dispatches_held ON dispatches (lane, id) WHERE held;

-- A conversation's silence begins anew with each message. Only `look_at` is indexed, which is never later than `at`: moving
-- a deadline back touches no index, and who looks too early files it anew, once.
ALTER TABLE deadlines ADD COLUMN look_at bigint NOT NULL DEFAULT 0;
UPDATE deadlines SET look_at = at;
DROP INDEX deadlines_due;
CREATE INDEX deadlines_look ON deadlines (look_at);
ALTER TABLE deadlines SET (fillfactor = 70);

-- As kefu_accept, but no arrival is given twice, and whoever is free (`p_hands`) gets the lane of a conversation that nobody
-- works on. `places`: which of those given are new, with their numbers and conversations; `lanes`: those taken.
CREATE FUNCTION kefu_accept_in_hand(
    p_now bigint, p_lease bigint, p_limit integer,
    p_inbox text[], p_external text[], p_peer text[], p_body text[], p_hands boolean[],
    p_new integer[], p_opened text[], p_contact text[],
    p_cursor_inbox text[], p_cursor_topic text[], p_cursor text[],
    OUT places integer[], OUT ids bigint[], OUT conversations bigint[],
    OUT lanes bigint[], OUT fences bigint[], OUT bodies text[], OUT contacts bigint[], OUT contact_bodies text[],
    OUT held bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_now bigint := kefu_now(p_now);
    v_fresh boolean[];
    v_count integer;
BEGIN
    -- Sorted, so that two nodes with the same keys wait for each other in one order.
    INSERT INTO seen (inbox, external_id, at)
    SELECT inbox, external_id, v_now FROM unnest(p_inbox, p_external) AS t(inbox, external_id) ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count = cardinality(p_inbox) THEN
        v_fresh := array_fill(true, ARRAY[v_count]);
    ELSE
        -- Those that this very transaction wrote.
        v_fresh := ARRAY(
            SELECT EXISTS (SELECT 1 FROM seen s WHERE s.inbox = t.inbox AND s.external_id = t.external_id
                AND s.xmin = pg_current_xact_id()::xid)
            FROM unnest(p_inbox, p_external) WITH ORDINALITY AS t(inbox, external_id, i) ORDER BY i);
    END IF;

    IF cardinality(p_new) > 0 THEN
        WITH missing AS MATERIALIZED (
            SELECT m.*, nextval('conversation_ids') AS id, nextval('contact_ids') AS person FROM (
                SELECT DISTINCT ON (inbox, peer) p_inbox[t.nth] AS inbox, p_peer[t.nth] AS peer, t.opened, t.contact
                FROM unnest(p_new, p_opened, p_contact) AS t(nth, opened, contact)
                WHERE v_fresh[t.nth]
                    AND NOT EXISTS (SELECT 1 FROM threads x WHERE x.inbox = p_inbox[t.nth] AND x.peer = p_peer[t.nth])
                ORDER BY inbox, peer, t.nth) AS m
        ), opened AS (
            INSERT INTO threads (inbox, peer, conversation, desk) SELECT m.inbox, m.peer, m.id, false FROM missing m
            ORDER BY m.inbox, m.peer ON CONFLICT DO NOTHING RETURNING conversation
        ), won AS MATERIALIZED (
            SELECT m.* FROM missing m WHERE m.id = ANY (ARRAY(SELECT o.conversation FROM opened o))
        ), known AS (
            INSERT INTO contacts (id, body) SELECT w.person, w.contact FROM won w
        )
        INSERT INTO conversations (id, contact, phase, body) SELECT w.id, w.person, 0, w.opened FROM won w;
    END IF;

    -- Lanes come last: whoever works on one waits for us no longer than our commit takes. That there is one already is
    -- only locked: its worker sees these arrivals, or we see that it has gone.
    WITH numbered AS MATERIALIZED (
        SELECT i, conversation, body, hand, nextval('arrival_ids') AS id FROM (
            SELECT t.i, t.body, t.hand, x.conversation
            FROM unnest(p_inbox, p_peer, p_body, p_hands, v_fresh) WITH ORDINALITY AS t(inbox, peer, body, hand, fresh, i)
            LEFT JOIN threads x ON x.inbox = t.inbox AND x.peer = t.peer
            WHERE t.fresh ORDER BY t.i) AS ordered
    ), stored AS (
        INSERT INTO arrivals (id, conversation, at, body) SELECT id, conversation, v_now, body FROM numbered
    ), wanted AS (
        SELECT conversation, bool_or(hand) AND count(*) <= p_limit AS hand, array_agg(id ORDER BY id) AS arrived
        FROM numbered GROUP BY conversation ORDER BY conversation
    ), got AS (
        INSERT INTO ready AS r (conversation, at, fence, until, carried)
        SELECT conversation, v_now, CASE WHEN hand THEN nextval('fences') ELSE 0 END,
            CASE WHEN hand THEN v_now + p_lease ELSE 0 END, CASE WHEN hand THEN arrived ELSE '{}' END
        FROM wanted
        ON CONFLICT (conversation) DO UPDATE SET at = r.at WHERE false
        RETURNING r.conversation, r.fence
    )
    SELECT n.places, n.ids, n.conversations, l.lanes, l.fences
    INTO places, ids, conversations, lanes, fences
    FROM (SELECT array_agg(i::integer ORDER BY i) AS places, array_agg(id ORDER BY i) AS ids,
            array_agg(conversation ORDER BY i) AS conversations FROM numbered) AS n,
        (SELECT array_agg(conversation ORDER BY conversation) AS lanes, array_agg(fence ORDER BY conversation) AS fences
            FROM got WHERE fence > 0) AS l;

    IF lanes IS NOT NULL THEN
        SELECT array_agg(c.body ORDER BY c.id), array_agg(p.id ORDER BY c.id), array_agg(p.body ORDER BY c.id),
            array_agg(kefu_held(c.id) ORDER BY c.id)
        INTO bodies, contacts, contact_bodies, held
        FROM conversations c JOIN contacts p ON p.id = c.contact WHERE c.id = ANY (lanes);
    END IF;

    IF cardinality(p_cursor) > 0 THEN
        INSERT INTO cursors (inbox, topic, cursor)
        SELECT DISTINCT ON (inbox, topic) inbox, topic, cursor
        FROM unnest(p_cursor_inbox, p_cursor_topic, p_cursor) WITH ORDINALITY AS t(inbox, topic, cursor, i)
        ORDER BY inbox, topic, i DESC
        ON CONFLICT (inbox, topic) DO UPDATE SET cursor = excluded.cursor;
    END IF;
END $$;

-- How many dispatches to a conversation's contact are held.
CREATE FUNCTION kefu_held(p_conversation bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*) FROM threads t JOIN dispatches d ON d.lane = t.inbox || E'\x1f' || t.peer || E'\x1f' AND d.held
        WHERE t.conversation = p_conversation AND NOT t.desk);
END $$;

-- As many claims as there are, up to p_count, those that have waited longest first.
CREATE OR REPLACE FUNCTION kefu_claims(p_now bigint, p_lease bigint, p_limit integer, p_count integer) RETURNS TABLE (
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
    FOR v_row IN SELECT r.conversation, r.fence, r.carried FROM ready r WHERE r.until <= v_now
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

-- Commits, each all or nothing; a conversation is in it once. What belongs to the nth commit says so (`…_of`). outcomes: ok,
-- lost, seat. Where p_takes, the first dispatches of their lanes are the committer's to send: they have a fence.
CREATE FUNCTION kefu_commits(
    p_now bigint, p_lease bigint,
    p_conversations bigint[], p_fences bigint[], p_bodies text[], p_phases smallint[], p_agents text[], p_seats integer[],
    p_episodes integer[], p_contacts bigint[], p_contact_bodies text[], p_releases integer[], p_contact_lanes text[],
    p_cancels boolean[], p_takes boolean[],
    p_done_of integer[], p_done bigint[], p_verdicts text[],
    p_entry_of integer[], p_entry_traces bigint[], p_entry_authors text[], p_entry_bodies text[], p_entry_ats bigint[],
    p_of integer[], p_lanes text[], p_held boolean[], p_traces bigint[], p_dispatches text[],
    p_ask_of integer[], p_ask_traces bigint[], p_ask_bots text[], p_ask_argvs text[], p_ask_said text[],
    p_ask_due bigint[], p_ask_latest bigint[],
    p_thread_of integer[], p_thread_inboxes text[], p_thread_peers text[],
    p_deadline_of integer[], p_deadline_kinds text[], p_deadline_ats bigint[],
    OUT outcomes text[], OUT more boolean[],
    OUT dispatched_of integer[], OUT dispatched bigint[], OUT fences bigint[],
    OUT cancelled_of integer[], OUT cancelled bigint[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
    v_count integer := cardinality(p_conversations);
    v_row record;
    v_ok integer[] := '{}';
    v_lanes bigint[] := '{}';
    v_carried bigint[] := '{}';
    v_tails bigint[] := array_fill(0::bigint, ARRAY[v_count]);
    v_agents text[] := array_fill(NULL::text, ARRAY[v_count]);
    v_given text[] := '{}';
    v_waiting bigint[];
    v_errand bigint;
    v_nth integer;
BEGIN
    outcomes := array_fill('lost'::text, ARRAY[v_count]);
    more := array_fill(false, ARRAY[v_count]);
    cancelled_of := '{}';
    cancelled := '{}';
    FOR v_row IN
        SELECT g.nth::integer AS nth, r.carried FROM unnest(p_conversations, p_fences) WITH ORDINALITY AS g(id, fence, nth)
            JOIN ready r ON r.conversation = g.id AND r.fence = g.fence
        ORDER BY g.id FOR UPDATE OF r
    LOOP
        v_ok := v_ok || v_row.nth;
        v_carried := v_carried || v_row.carried;
    END LOOP;
    IF cardinality(v_ok) = 0 THEN RETURN; END IF;
    FOR v_row IN
        SELECT g.nth::integer AS nth, c.tail, c.agent FROM unnest(v_ok) AS g(nth)
            JOIN conversations c ON c.id = p_conversations[g.nth]
        ORDER BY c.id FOR UPDATE OF c
    LOOP
        v_tails[v_row.nth] := v_row.tail;
        v_agents[v_row.nth] := v_row.agent;
    END LOOP;

    IF array_length(array_remove(p_seats, NULL), 1) > 0 THEN
        -- One at a time gives seats of an agent; the statements after see what the one before has given.
        PERFORM pg_advisory_xact_lock(hash) FROM (
            SELECT DISTINCT hashtextextended(p_agents[o.nth], 11) AS hash FROM unnest(v_ok) AS o(nth)
            WHERE p_seats[o.nth] IS NOT NULL AND p_agents[o.nth] IS NOT NULL
                AND v_agents[o.nth] IS DISTINCT FROM p_agents[o.nth] ORDER BY 1) AS hashes;
        FOREACH v_nth IN ARRAY v_ok LOOP
            CONTINUE WHEN p_seats[v_nth] IS NULL OR p_agents[v_nth] IS NULL
                OR v_agents[v_nth] IS NOT DISTINCT FROM p_agents[v_nth];
            IF (SELECT count(*) FROM conversations c WHERE c.phase = 2 AND c.agent = p_agents[v_nth])
                + coalesce(cardinality(array_positions(v_given, p_agents[v_nth])), 0) >= p_seats[v_nth]
            THEN
                outcomes[v_nth] := 'seat';
                v_ok := array_remove(v_ok, v_nth);
            ELSE
                v_given := v_given || p_agents[v_nth];
            END IF;
        END LOOP;
        IF cardinality(v_ok) = 0 THEN RETURN; END IF;
    END IF;
    FOREACH v_nth IN ARRAY v_ok LOOP
        outcomes[v_nth] := 'ok';
        v_lanes := v_lanes || p_conversations[v_nth];
    END LOOP;

    -- Lanes before rows: a settlement that makes the next one a head holds the lane first, too.
    PERFORM pg_advisory_xact_lock(hash) FROM (
        SELECT DISTINCT hashtextextended(lane, 7) AS hash FROM (
            SELECT t.lane FROM unnest(p_of, p_lanes) AS t(nth, lane) WHERE t.nth = ANY (v_ok)
            UNION ALL SELECT p_contact_lanes[o.nth] FROM unnest(v_ok) AS o(nth) WHERE p_releases[o.nth] > 0) AS lanes
        ORDER BY 1) AS hashes;
    FOREACH v_nth IN ARRAY v_ok LOOP
        CONTINUE WHEN p_releases[v_nth] = 0;
        UPDATE dispatches SET held = false, due_at = v_now WHERE id IN (
            SELECT d.id FROM dispatches d WHERE d.lane = p_contact_lanes[v_nth] AND d.held
            ORDER BY d.id LIMIT p_releases[v_nth]);
    END LOOP;

    WITH done AS (
        DELETE FROM arrivals a USING unnest(p_done_of, p_done, p_verdicts) AS t(nth, id, verdict)
        WHERE t.nth = ANY (v_ok) AND t.id = ANY (v_carried) AND a.id = t.id AND a.conversation = p_conversations[t.nth]
        RETURNING a.id, a.conversation, a.at, t.verdict, a.body
    )
    INSERT INTO turned (id, conversation, at, turned_at, verdict, body)
    SELECT d.id, d.conversation, d.at, v_now, d.verdict, d.body FROM done d ORDER BY d.id;

    IF cardinality(p_entry_of) > 0 THEN
        FOR v_row IN
            WITH lines AS MATERIALIZED (
                SELECT o.*, nextval('entry_ids') AS id FROM (
                    SELECT * FROM unnest(p_entry_of, p_entry_traces, p_entry_authors, p_entry_bodies, p_entry_ats)
                        WITH ORDINALITY AS t(nth, trace, author, body, at, line)
                    WHERE t.nth = ANY (v_ok) ORDER BY t.line) AS o
            ), kept AS (
                INSERT INTO entries (id, conversation, prev, trace, episode, at, author, body)
                SELECT l.id, p_conversations[l.nth],
                    coalesce(lag(l.id) OVER (PARTITION BY l.nth ORDER BY l.line), v_tails[l.nth]),
                    l.trace, p_episodes[l.nth], l.at, l.author, l.body
                FROM lines l ORDER BY l.id
            )
            SELECT l.nth, max(l.id) AS tail FROM lines l GROUP BY l.nth
        LOOP
            v_tails[v_row.nth] := v_row.tail;
        END LOOP;
    END IF;

    UPDATE conversations c SET phase = g.phase, agent = g.agent, tail = v_tails[g.nth], body = g.body
    FROM unnest(p_conversations, p_phases, p_agents, p_bodies) WITH ORDINALITY AS g(id, phase, agent, body, nth)
    WHERE g.nth = ANY (v_ok) AND c.id = g.id;
    IF array_length(array_remove(p_contacts, NULL), 1) > 0 THEN
        UPDATE contacts p SET body = g.body
        FROM unnest(p_contacts, p_contact_bodies) WITH ORDINALITY AS g(id, body, nth)
        WHERE g.nth = ANY (v_ok) AND p.id = g.id;
    END IF;
    IF cardinality(p_thread_of) > 0 THEN
        INSERT INTO threads (inbox, peer, conversation, desk)
        SELECT DISTINCT ON (t.inbox, t.peer) t.inbox, t.peer, p_conversations[t.nth], true
        FROM unnest(p_thread_of, p_thread_inboxes, p_thread_peers) AS t(nth, inbox, peer)
        WHERE t.nth = ANY (v_ok) ORDER BY t.inbox, t.peer, t.nth DESC
        ON CONFLICT (inbox, peer) DO UPDATE SET conversation = excluded.conversation, desk = true;
    END IF;

    IF cardinality(p_of) > 0 THEN
        WITH given AS MATERIALIZED (
            SELECT o.*, nextval('dispatch_ids') AS id FROM (
                SELECT * FROM unnest(p_of, p_lanes, p_held, p_traces, p_dispatches)
                    WITH ORDINALITY AS t(nth, lane, held, trace, body, line)
                WHERE t.nth = ANY (v_ok) ORDER BY t.line) AS o
        ), placed AS MATERIALIZED (
            SELECT g.*, row_number() OVER (PARTITION BY g.lane ORDER BY g.line) = 1
                AND NOT EXISTS (SELECT 1 FROM dispatches d WHERE d.lane = g.lane) AS head
            FROM given g
        ), numbered AS MATERIALIZED (
            SELECT p.*, CASE WHEN p.head AND NOT p.held AND p_takes[p.nth] THEN nextval('fences') ELSE 0 END AS fence
            FROM placed p
        ), kept AS (
            INSERT INTO dispatches (id, lane, head, held, due_at, attempts, fence, until, trace, body)
            SELECT n.id, n.lane, n.head, n.held, v_now, (n.fence > 0)::integer, n.fence,
                CASE WHEN n.fence > 0 THEN v_now + p_lease ELSE 0 END, n.trace, n.body
            FROM numbered n ORDER BY n.id
        )
        SELECT array_agg(n.nth ORDER BY n.line), array_agg(n.id ORDER BY n.line), array_agg(n.fence ORDER BY n.line)
        INTO dispatched_of, dispatched, fences FROM numbered n;
    END IF;

    IF true = ANY (p_cancels) THEN
        FOREACH v_nth IN ARRAY v_ok LOOP
            CONTINUE WHEN NOT p_cancels[v_nth];
            FOR v_row IN DELETE FROM errands e WHERE e.conversation = p_conversations[v_nth] RETURNING e.id, e.until LOOP
                CONTINUE WHEN v_row.until <= v_now;
                cancelled_of := cancelled_of || v_nth;
                cancelled := cancelled || v_row.id;
            END LOOP;
        END LOOP;
    END IF;
    FOR i IN 1 .. cardinality(p_ask_of) LOOP
        v_nth := p_ask_of[i];
        CONTINUE WHEN NOT (v_nth = ANY (v_ok));
        -- Words are added to a question that nobody ever took: one that was taken may have been answered already.
        SELECT e.id INTO v_errand FROM errands e
            WHERE e.conversation = p_conversations[v_nth] AND e.episode = p_episodes[v_nth] AND e.bot = p_ask_bots[i]
                AND e.argv = p_ask_argvs[i] AND e.attempts = 0
            ORDER BY e.id LIMIT 1 FOR UPDATE;
        IF FOUND THEN
            UPDATE errands e SET said = e.said || ARRAY(SELECT json_array_elements(p_ask_said[i]::json)::text),
                due_at = greatest(e.due_at, least(p_ask_due[i], e.latest)) WHERE e.id = v_errand;
        ELSE
            INSERT INTO errands (id, conversation, due_at, latest, trace, episode, bot, argv, said)
            VALUES (nextval('errand_ids'), p_conversations[v_nth], p_ask_due[i], p_ask_latest[i], p_ask_traces[i],
                p_episodes[v_nth], p_ask_bots[i], p_ask_argvs[i],
                ARRAY(SELECT json_array_elements(p_ask_said[i]::json)::text));
        END IF;
    END LOOP;

    IF cardinality(p_deadline_of) > 0 THEN
        IF array_position(p_deadline_ats, NULL) IS NOT NULL THEN
            DELETE FROM deadlines d USING unnest(p_deadline_of, p_deadline_kinds, p_deadline_ats) AS t(nth, kind, at)
            WHERE t.nth = ANY (v_ok) AND t.at IS NULL AND d.conversation = p_conversations[t.nth] AND d.kind = t.kind;
        END IF;
        INSERT INTO deadlines AS d (conversation, kind, at, look_at, episode)
        SELECT p_conversations[t.nth], t.kind, t.at, t.at, p_episodes[t.nth]
        FROM unnest(p_deadline_of, p_deadline_kinds, p_deadline_ats) AS t(nth, kind, at)
        WHERE t.nth = ANY (v_ok) AND t.at IS NOT NULL ORDER BY 1, 2
        ON CONFLICT (conversation, kind) DO UPDATE SET at = excluded.at, look_at = least(d.look_at, excluded.at),
            episode = excluded.episode, fence = 0, until = 0;
    END IF;

    v_waiting := ARRAY(SELECT l.id FROM unnest(v_lanes) AS l(id)
        WHERE EXISTS (SELECT 1 FROM arrivals a WHERE a.conversation = l.id));
    DELETE FROM ready r WHERE r.conversation = ANY (v_lanes) AND r.conversation <> ALL (v_waiting);
    IF cardinality(v_waiting) > 0 THEN
        UPDATE ready r SET fence = 0, until = 0, carried = '{}', at = v_now WHERE r.conversation = ANY (v_waiting);
        FOREACH v_nth IN ARRAY v_ok LOOP
            more[v_nth] := p_conversations[v_nth] = ANY (v_waiting);
        END LOOP;
    END IF;
END $$;

-- Settles dispatches: done, dead, retry, postpone or held. The fences of those that were still the settlers', and whether
-- others are due in their places.
CREATE FUNCTION kefu_settle_all(
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
                due_at = CASE g.outcome WHEN 'held' THEN v_now ELSE g.at END,
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
    UPDATE dispatches d SET head = true WHERE NOT d.head AND d.id IN (
        SELECT (SELECT n.id FROM dispatches n WHERE n.lane = lanes.lane ORDER BY n.id LIMIT 1)
        FROM unnest(v_lanes) AS lanes(lane));
    promoted := FOUND;
END $$;

-- Not to be planned anew with every call, as functions in SQL are: the same in PL/pgSQL.
CREATE OR REPLACE FUNCTION kefu_next_dispatch(p_but text[]) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(times.at) FROM kefu_inboxes_ready('{}') AS i(inbox) CROSS JOIN LATERAL (
        (SELECT d.due_at FROM dispatches d WHERE d.inbox = i.inbox AND d.head AND NOT d.held AND d.until = 0
            AND i.inbox <> ALL (p_but) ORDER BY d.due_at LIMIT 1)
        UNION ALL
        SELECT min(taken.until) FROM (
            SELECT d.until FROM dispatches d WHERE d.inbox = i.inbox AND d.head AND NOT d.held
            ORDER BY d.due_at, d.id LIMIT 1024) AS taken
        WHERE taken.until > 0) AS times(at));
END $$;

CREATE OR REPLACE FUNCTION kefu_concerned(p_conversation bigint, p_with bigint, p_handles text[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (
        WITH named AS (
            SELECT p_conversation AS id UNION SELECT p_with WHERE p_with IS NOT NULL
            UNION SELECT h.conversation FROM (
                    SELECT x.conversation FROM unnest(p_handles) AS given(handle), LATERAL (
                        SELECT y.conversation FROM handles y WHERE y.handle = given.handle
                        ORDER BY y.conversation LIMIT 100) AS x) AS h
                LEFT JOIN kin k ON k.conversation = h.conversation
                WHERE NOT coalesce(k.apart, false)
                    AND NOT EXISTS (SELECT 1 FROM kin own WHERE own.conversation = p_conversation AND own.apart)
        )
        SELECT array_agg(DISTINCT id ORDER BY id) FROM (
            SELECT id FROM named
            UNION ALL SELECT m.conversation FROM named JOIN kin k ON k.conversation = named.id
                JOIN kin m ON m.person = k.person
        ) AS ids);
END $$;

CREATE OR REPLACE FUNCTION kefu_due_deadlines(p_now bigint, p_limit integer, p_lease bigint) RETURNS TABLE (
    conversation bigint, kind text, fence bigint, at bigint, episode integer, conversation_body text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
BEGIN
    PERFORM kefu_file_deadlines(v_now, 1000);
    RETURN QUERY WITH free AS MATERIALIZED (
        SELECT d.conversation, d.kind FROM deadlines d WHERE d.look_at <= v_now AND d.at <= v_now AND d.until <= v_now
        ORDER BY d.look_at LIMIT p_limit FOR UPDATE OF d SKIP LOCKED
    ), taken AS (
        UPDATE deadlines d SET fence = nextval('fences'), until = v_now + p_lease
        FROM free f WHERE d.conversation = f.conversation AND d.kind = f.kind
        RETURNING d.*)
    SELECT t.conversation, t.kind, t.fence, t.at, t.episode, c.body
    FROM taken t JOIN conversations c ON c.id = t.conversation;
END $$;

-- Files anew, of those that would be looked at by then, such as were moved. How many.
CREATE FUNCTION kefu_file_deadlines(p_by bigint, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_count integer;
BEGIN
    UPDATE deadlines d SET look_at = d.at FROM (
        SELECT m.conversation, m.kind FROM deadlines m WHERE m.look_at <= p_by AND m.at > m.look_at
        ORDER BY m.look_at LIMIT p_limit FOR UPDATE SKIP LOCKED) AS moved
    WHERE d.conversation = moved.conversation AND d.kind = moved.kind;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;

-- When the next deadline may be taken: its time, or the end of its lease. Those taken are among the earliest.
CREATE FUNCTION kefu_next_deadline() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_row record;
BEGIN
    FOR i IN 1 .. 8 LOOP
        SELECT d.look_at, d.at INTO v_row FROM deadlines d WHERE d.until = 0 ORDER BY d.look_at LIMIT 1;
        EXIT WHEN NOT FOUND OR v_row.at <= v_row.look_at;
        EXIT WHEN kefu_file_deadlines(v_row.look_at, 64) = 0;
    END LOOP;
    RETURN least(v_row.look_at, (SELECT min(taken.until) FROM (
        SELECT d.until FROM deadlines d ORDER BY d.look_at LIMIT 1024) AS taken WHERE taken.until > 0));
END $$;

CREATE OR REPLACE FUNCTION kefu_due_errands(p_now bigint, p_limit integer, p_lease bigint, p_but text[]) RETURNS TABLE (
    id bigint, fence bigint, attempts integer, trace bigint, episode integer, bot text, argv text, said text[],
    conversation bigint, conversation_body text, contact bigint, contact_body text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
BEGIN
    RETURN QUERY WITH free AS MATERIALIZED (
        SELECT e.id FROM errands e
        WHERE e.due_at <= v_now AND e.until <= v_now AND e.bot <> ALL (p_but)
            AND NOT EXISTS (SELECT 1 FROM errands f WHERE f.conversation = e.conversation AND f.id < e.id)
        ORDER BY e.due_at, e.id LIMIT p_limit FOR UPDATE OF e SKIP LOCKED
    ), taken AS (
        UPDATE errands e SET fence = nextval('fences'), until = v_now + p_lease, attempts = e.attempts + 1
        FROM free WHERE e.id = free.id
        RETURNING e.*)
    SELECT t.id, t.fence, t.attempts, t.trace, t.episode, t.bot, t.argv, t.said, c.id, c.body, p.id, p.body
    FROM taken t JOIN conversations c ON c.id = t.conversation JOIN contacts p ON p.id = c.contact;
END $$;
