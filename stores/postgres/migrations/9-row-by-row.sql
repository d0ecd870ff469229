-- Where something is looked for row by row it is by a subquery with a limit: EXISTS was planned as a scan of the whole table
-- into a hash, from when the table was small. Otherwise the functions are as before.

CREATE OR REPLACE FUNCTION kefu_accept_in_hand(
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
            SELECT (SELECT s.xmin FROM seen s WHERE s.inbox = t.inbox AND s.external_id = t.external_id)
                = pg_current_xact_id()::xid
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

CREATE OR REPLACE FUNCTION kefu_commits(
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
                AND (SELECT d.id FROM dispatches d WHERE d.lane = g.lane ORDER BY d.id LIMIT 1) IS NULL AS head
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
        WHERE (SELECT a.id FROM arrivals a WHERE a.conversation = l.id ORDER BY a.id LIMIT 1) IS NOT NULL);
    DELETE FROM ready r WHERE r.conversation = ANY (v_lanes) AND r.conversation <> ALL (v_waiting);
    IF cardinality(v_waiting) > 0 THEN
        UPDATE ready r SET fence = 0, until = 0, carried = '{}', at = v_now WHERE r.conversation = ANY (v_waiting);
        FOREACH v_nth IN ARRAY v_ok LOOP
            more[v_nth] := p_conversations[v_nth] = ANY (v_waiting);
        END LOOP;
    END IF;
END $$;
