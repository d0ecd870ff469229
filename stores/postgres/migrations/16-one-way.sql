-- One way to each row, whatever statistics say. What is in work is mostly empty, and when the database looks at an empty
-- table and plans by that, all ways cost the same: it then walked whole indexes for one row (an id looked for in an index by
-- lane and id, a queue joined to the rows that a call names). Each settlement read everything that waited, until the next
-- look, up to a minute later. So no index but the primary key has a bare id in it, what calls name is joined sideways with
-- an OFFSET, which keeps its place, and rows are changed by lists of their keys. On the way three statements a message are saved:
-- each costs the database more to begin than to do.

DROP INDEX arrivals_of;
CREATE INDEX arrivals_of ON arrivals (conversation, (id + 0));
DROP INDEX ready_in_order;
CREATE INDEX ready_in_order ON ready (at, (conversation + 0));
DROP INDEX dispatches_of;
CREATE INDEX dispatches_of ON dispatches (lane, (id + 0));
DROP INDEX dispatches_held;
CREATE INDEX dispatches_held ON dispatches (lane, (id + 0)) WHERE held;
DROP INDEX dispatches_ready;
CREATE INDEX dispatches_ready ON dispatches (inbox, due_at, (id + 0)) WHERE head AND NOT held;
DROP INDEX errands_of;
CREATE INDEX errands_of ON errands (conversation, (id + 0));
DROP INDEX errands_due;
CREATE INDEX errands_due ON errands (due_at, (id + 0));

CREATE OR REPLACE FUNCTION kefu_held(p_conversation bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(sum((SELECT count(*) FROM dispatches d
            WHERE d.lane = t.inbox || E'\x1f' || t.peer || E'\x1f' AND d.held)), 0)
        FROM threads t WHERE t.conversation = p_conversation AND NOT t.desk);
END $$;

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
    v_opened bigint[];
    v_people bigint[];
    v_places integer[];
    v_lane bigint;
    v_place integer;
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
                SELECT DISTINCT ON (inbox, peer) p_inbox[t.nth] AS inbox, p_peer[t.nth] AS peer, t.place::integer AS place
                FROM unnest(p_new) WITH ORDINALITY AS t(nth, place)
                WHERE v_fresh[t.nth]
                    AND NOT EXISTS (SELECT 1 FROM threads x WHERE x.inbox = p_inbox[t.nth] AND x.peer = p_peer[t.nth])
                ORDER BY inbox, peer, t.nth) AS m
        ), opened AS (
            INSERT INTO threads (inbox, peer, conversation, desk) SELECT m.inbox, m.peer, m.id, false FROM missing m
            ORDER BY m.inbox, m.peer ON CONFLICT DO NOTHING RETURNING conversation
        ), won AS MATERIALIZED (
            SELECT m.* FROM missing m WHERE m.id = ANY (ARRAY(SELECT o.conversation FROM opened o))
        ), known AS (
            INSERT INTO contacts (id, body) SELECT w.person, p_contact[w.place] FROM won w
        ), begun AS (
            INSERT INTO conversations (id, contact, phase, body) SELECT w.id, w.person, 0, p_opened[w.place] FROM won w
        )
        SELECT array_agg(w.id), array_agg(w.person), array_agg(w.place) INTO v_opened, v_people, v_places FROM won w;
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

    IF lanes <@ v_opened THEN
        -- Their first words: what there is to know was given.
        FOREACH v_lane IN ARRAY lanes LOOP
            v_place := array_position(v_opened, v_lane);
            bodies := bodies || p_opened[v_places[v_place]];
            contacts := contacts || v_people[v_place];
            contact_bodies := contact_bodies || p_contact[v_places[v_place]];
            held := held || 0::bigint;
        END LOOP;
    ELSIF lanes IS NOT NULL THEN
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
        SELECT g.nth::integer AS nth, mine.carried, known.tail, known.agent FROM (
                SELECT * FROM unnest(p_conversations, p_fences) WITH ORDINALITY AS t(id, fence, nth) ORDER BY t.id) AS g
            CROSS JOIN LATERAL (
                SELECT r.carried FROM ready r WHERE r.conversation = g.id AND r.fence = g.fence FOR UPDATE) AS mine
            CROSS JOIN LATERAL (SELECT c.tail, c.agent FROM conversations c WHERE c.id = g.id FOR UPDATE) AS known
    LOOP
        v_ok := v_ok || v_row.nth;
        v_carried := v_carried || v_row.carried;
        v_tails[v_row.nth] := v_row.tail;
        v_agents[v_row.nth] := v_row.agent;
    END LOOP;
    IF cardinality(v_ok) = 0 THEN RETURN; END IF;

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
        UPDATE dispatches SET held = false, due_at = v_now WHERE id = ANY (ARRAY(
            SELECT d.id FROM dispatches d WHERE d.lane = p_contact_lanes[v_nth] AND d.held
            ORDER BY d.id + 0 LIMIT p_releases[v_nth]));
    END LOOP;

    WITH done AS (
        DELETE FROM arrivals a WHERE a.id = ANY (ARRAY(
                SELECT t.id FROM unnest(p_done_of, p_done) AS t(nth, id) WHERE t.nth = ANY (v_ok) AND t.id = ANY (v_carried)))
            AND a.conversation = p_conversations[p_done_of[array_position(p_done, a.id)]]
        RETURNING a.id, a.conversation, a.at, p_verdicts[array_position(p_done, a.id)] AS verdict, a.body
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
                AND (SELECT d.id FROM dispatches d WHERE d.lane = g.lane LIMIT 1) IS NULL AS head
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
            ORDER BY e.id + 0 LIMIT 1 FOR UPDATE;
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
            FOR i IN 1 .. cardinality(p_deadline_of) LOOP
                CONTINUE WHEN p_deadline_ats[i] IS NOT NULL OR p_deadline_of[i] <> ALL (v_ok);
                DELETE FROM deadlines WHERE conversation = p_conversations[p_deadline_of[i]] AND kind = p_deadline_kinds[i];
            END LOOP;
        END IF;
        INSERT INTO deadlines AS d (conversation, kind, at, look_at, episode)
        SELECT p_conversations[t.nth], t.kind, t.at, t.at, p_episodes[t.nth]
        FROM unnest(p_deadline_of, p_deadline_kinds, p_deadline_ats) AS t(nth, kind, at)
        WHERE t.nth = ANY (v_ok) AND t.at IS NOT NULL ORDER BY 1, 2
        ON CONFLICT (conversation, kind) DO UPDATE SET at = excluded.at, look_at = least(d.look_at, excluded.at),
            episode = excluded.episode, fence = 0, until = 0;
    END IF;

    v_waiting := ARRAY(SELECT l.id FROM unnest(v_lanes) AS l(id)
        WHERE (SELECT a.id FROM arrivals a WHERE a.conversation = l.id LIMIT 1) IS NOT NULL);
    DELETE FROM ready r WHERE r.conversation = ANY (v_lanes) AND r.conversation <> ALL (v_waiting);
    IF cardinality(v_waiting) > 0 THEN
        UPDATE ready r SET fence = 0, until = 0, carried = '{}', at = v_now WHERE r.conversation = ANY (v_waiting);
        FOREACH v_nth IN ARRAY v_ok LOOP
            more[v_nth] := p_conversations[v_nth] = ANY (v_waiting);
        END LOOP;
    END IF;
END $$;

-- A fence is given once, to one row: who names it names the row, and the place of it in p_fences is the place of the rest.
CREATE OR REPLACE FUNCTION kefu_settle_all(
    p_now bigint, p_ids bigint[], p_fences bigint[], p_outcomes text[], p_ats bigint[], p_reasons text[],
    p_externals text[], p_losts text[], OUT settled bigint[], OUT promoted boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
    v_nth integer;
    v_over bigint[] := p_ids;
    v_gone bigint[];
    v_next bigint[];
BEGIN
    settled := '{}';
    promoted := false;
    IF p_outcomes && '{retry,postpone,held}' THEN
        v_over := '{}';
        FOR v_nth IN SELECT t.nth FROM unnest(p_ids) WITH ORDINALITY AS t(id, nth) ORDER BY t.id LOOP
            IF p_outcomes[v_nth] IN ('done', 'dead') THEN
                v_over := v_over || p_ids[v_nth];
                CONTINUE;
            END IF;
            UPDATE dispatches d SET fence = 0, until = 0, held = p_outcomes[v_nth] = 'held', reason = p_reasons[v_nth],
                due_at = CASE p_outcomes[v_nth] WHEN 'held' THEN v_now ELSE greatest(p_ats[v_nth], v_now) END,
                attempts = d.attempts - (p_outcomes[v_nth] = 'postpone')::integer
            WHERE d.id = p_ids[v_nth] AND d.fence = p_fences[v_nth];
            IF FOUND THEN settled := settled || p_fences[v_nth]; END IF;
        END LOOP;
        IF cardinality(v_over) = 0 THEN RETURN; END IF;
    END IF;
    PERFORM pg_advisory_xact_lock(hash) FROM (SELECT DISTINCT hashtextextended(l.lane, 7) AS hash FROM (
        SELECT d.lane FROM dispatches d WHERE d.id = ANY (v_over) OFFSET 0) AS l ORDER BY 1) AS hashes;
    WITH gone AS (
        DELETE FROM dispatches d WHERE d.id = ANY (v_over) AND d.fence = ANY (p_fences)
        RETURNING d.id, d.fence, d.lane, d.trace, d.attempts, d.body, array_position(p_fences, d.fence) AS nth
    ), kept AS (
        INSERT INTO sent (trace, id, at, state, attempts, reason, external_id, lost, body)
        SELECT g.trace, g.id, v_now, CASE p_outcomes[g.nth] WHEN 'done' THEN 'sent' ELSE 'dead' END, g.attempts,
            p_reasons[g.nth], p_externals[g.nth], p_losts[g.nth], g.body FROM gone g ORDER BY g.trace, g.id
    )
    -- Who comes next is looked for as it was before the deletion.
    SELECT array_agg(g.fence), array_agg((SELECT n.id FROM dispatches n
            WHERE n.lane = g.lane AND n.id <> ALL (ARRAY(SELECT o.id FROM gone o)) ORDER BY n.id + 0 LIMIT 1))
        INTO v_gone, v_next FROM gone g;
    settled := settled || coalesce(v_gone, '{}');
    v_next := array_remove(v_next, NULL);
    IF cardinality(v_next) > 0 THEN
        UPDATE dispatches d SET head = true, due_at = greatest(due_at, v_now) WHERE NOT d.head AND d.id = ANY (v_next);
        promoted := FOUND;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION kefu_claims(p_now bigint, p_lease bigint, p_limit integer, p_count integer, p_from bigint) RETURNS TABLE (
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
        ORDER BY r.at, r.conversation + 0 LIMIT p_count FOR UPDATE SKIP LOCKED
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
            SELECT a.id FROM arrivals a WHERE a.conversation = r.conversation ORDER BY a.id + 0 LIMIT p_limit)
        WHERE r.conversation = ANY (v_lanes);
    RETURN QUERY
        SELECT c.id, r.fence, c.body, p.id, p.body, kefu_held(c.id), waiting.ids, waiting.failures, waiting.bodies
        FROM unnest(v_lanes) WITH ORDINALITY AS l(id, nth)
            CROSS JOIN LATERAL (SELECT x.fence, x.carried FROM ready x WHERE x.conversation = l.id OFFSET 0) AS r
            CROSS JOIN LATERAL (SELECT x.id, x.contact, x.body FROM conversations x WHERE x.id = l.id OFFSET 0) AS c
            CROSS JOIN LATERAL (SELECT x.id, x.body FROM contacts x WHERE x.id = c.contact OFFSET 0) AS p
            CROSS JOIN LATERAL (
                SELECT array_agg(a.id ORDER BY a.id) AS ids, array_agg(a.failures ORDER BY a.id) AS failures,
                    array_agg(a.body ORDER BY a.id) AS bodies
                FROM arrivals a WHERE a.id = ANY (r.carried)) AS waiting
        ORDER BY l.nth;
END $$;

CREATE OR REPLACE FUNCTION kefu_due_dispatches(
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
            ORDER BY e.due_at, e.id + 0 LIMIT p_limit FOR UPDATE OF e SKIP LOCKED) AS d
        WHERE q.inbox <> ALL (p_but)
        ORDER BY d.due_at, d.id LIMIT p_limit);
    IF cardinality(v_free) = 0 THEN RETURN; END IF;
    RETURN QUERY UPDATE dispatches d SET fence = nextval('fences'), until = v_now + p_lease, attempts = d.attempts + 1
        WHERE d.id = ANY (v_free) RETURNING d.id, d.fence, d.attempts, d.body;
END $$;

CREATE OR REPLACE FUNCTION kefu_next_dispatch(p_but text[], p_known text[], p_froms bigint[]) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(times.at) FROM kefu_queues(p_known, p_froms) AS q CROSS JOIN LATERAL (
        (SELECT d.due_at FROM dispatches d WHERE d.inbox = q.inbox AND d.head AND NOT d.held AND d.due_at >= q.at
            AND d.until = 0 AND q.inbox <> ALL (p_but) ORDER BY d.due_at LIMIT 1)
        UNION ALL
        SELECT min(taken.until) FROM (
            SELECT d.until FROM dispatches d WHERE d.inbox = q.inbox AND d.head AND NOT d.held AND d.due_at >= q.at
            ORDER BY d.due_at, d.id + 0 LIMIT 1024) AS taken
        WHERE taken.until > 0) AS times(at));
END $$;

CREATE OR REPLACE FUNCTION kefu_horizon(p_now bigint, p_lanes bigint, p_inboxes text[], p_froms bigint[],
    OUT moment bigint, OUT lanes bigint, OUT froms bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_sure bigint;
BEGIN
    moment := kefu_now(p_now);
    v_sure := moment - 10000;
    lanes := least(v_sure, (SELECT r.at FROM ready r WHERE r.at >= p_lanes ORDER BY r.at, r.conversation + 0 LIMIT 1));
    froms := ARRAY(
        SELECT least(v_sure, (SELECT d.due_at FROM dispatches d WHERE d.inbox = k.inbox AND d.head AND NOT d.held
            AND d.due_at >= k.at ORDER BY d.due_at, d.id + 0 LIMIT 1))
        FROM unnest(p_inboxes, p_froms) WITH ORDINALITY AS k(inbox, at, nth) ORDER BY k.nth);
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
        SELECT d.id FROM dispatches d WHERE d.lane = v_row.lane ORDER BY d.id + 0 LIMIT 1);
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
        FOR v_row IN SELECT d.id, d.head, d.held, d.due_at, d.until FROM dispatches d WHERE d.lane = v_lane ORDER BY d.id + 0 LOOP
            EXIT WHEN v_row.due_at >= p_before OR v_row.until > v_now OR (v_row.head AND NOT v_row.held);
            v_old := v_old || v_row.id;
        END LOOP;
    END LOOP;
    DELETE FROM dispatches d WHERE d.id = ANY (v_old) AND d.due_at < p_before AND d.until <= v_now;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE dispatches d SET head = true, due_at = greatest(due_at, v_now) WHERE NOT d.head AND d.id = ANY (ARRAY(
        SELECT (SELECT n.id FROM dispatches n WHERE n.lane = lanes.lane ORDER BY n.id + 0 LIMIT 1)
        FROM unnest(v_lanes) AS lanes(lane)));
    RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION kefu_file_deadlines(p_by bigint, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_row record;
    v_count integer := 0;
BEGIN
    FOR v_row IN SELECT m.conversation, m.kind, m.at FROM deadlines m WHERE m.look_at <= p_by AND m.at > m.look_at
        ORDER BY m.look_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    LOOP
        UPDATE deadlines d SET look_at = v_row.at WHERE d.conversation = v_row.conversation AND d.kind = v_row.kind;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION kefu_due_deadlines(p_now bigint, p_limit integer, p_lease bigint) RETURNS TABLE (
    conversation bigint, kind text, fence bigint, at bigint, episode integer, conversation_body text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_now bigint := kefu_now(p_now);
    v_row record;
    v_fence bigint;
BEGIN
    PERFORM kefu_file_deadlines(v_now, 1000);
    FOR v_row IN SELECT d.conversation, d.kind, d.at, d.episode FROM deadlines d
        WHERE d.look_at <= v_now AND d.at <= v_now AND d.until <= v_now
        ORDER BY d.look_at LIMIT p_limit FOR UPDATE OF d SKIP LOCKED
    LOOP
        v_fence := nextval('fences');
        UPDATE deadlines d SET fence = v_fence, until = v_now + p_lease
            WHERE d.conversation = v_row.conversation AND d.kind = v_row.kind;
        RETURN QUERY SELECT v_row.conversation, v_row.kind, v_fence, v_row.at, v_row.episode, c.body
            FROM conversations c WHERE c.id = v_row.conversation;
    END LOOP;
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
            AND e.id = (SELECT f.id FROM errands f WHERE f.conversation = e.conversation ORDER BY f.id + 0 LIMIT 1)
        ORDER BY e.due_at, e.id + 0 LIMIT p_limit FOR UPDATE OF e SKIP LOCKED
    ), taken AS (
        UPDATE errands e SET fence = nextval('fences'), until = v_now + p_lease, attempts = e.attempts + 1
        WHERE e.id = ANY (ARRAY(SELECT f.id FROM free f))
        RETURNING e.*)
    SELECT t.id, t.fence, t.attempts, t.trace, t.episode, t.bot, t.argv, t.said, c.id, c.body, p.id, p.body
    FROM taken t
        CROSS JOIN LATERAL (SELECT x.id, x.contact, x.body FROM conversations x WHERE x.id = t.conversation OFFSET 0) AS c
        CROSS JOIN LATERAL (SELECT x.id, x.body FROM contacts x WHERE x.id = c.contact OFFSET 0) AS p;
END $$;

CREATE OR REPLACE FUNCTION kefu_renew(
    p_now bigint, p_lease bigint, p_dispatches bigint[], p_errands bigint[], p_deadlines bigint[], p_fences bigint[]
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_until bigint := kefu_now(p_now) + p_lease;
    v_ours bigint[] := '{}';
BEGIN
    IF cardinality(p_dispatches) > 0 THEN
        v_ours := v_ours || ARRAY(SELECT d.fence FROM dispatches d
            WHERE d.id = ANY (p_dispatches) AND d.fence = ANY (p_fences));
        UPDATE dispatches d SET until = v_until WHERE d.id = ANY (ARRAY(
            SELECT x.id FROM dispatches x WHERE x.id = ANY (p_dispatches) AND x.fence = ANY (p_fences)
            FOR UPDATE SKIP LOCKED));
    END IF;
    IF cardinality(p_errands) > 0 THEN
        v_ours := v_ours || ARRAY(SELECT e.fence FROM errands e
            WHERE e.id = ANY (p_errands) AND e.fence = ANY (p_fences));
        UPDATE errands e SET until = v_until WHERE e.id = ANY (ARRAY(
            SELECT x.id FROM errands x WHERE x.id = ANY (p_errands) AND x.fence = ANY (p_fences)
            FOR UPDATE SKIP LOCKED));
    END IF;
    IF cardinality(p_deadlines) > 0 THEN
        v_ours := v_ours || ARRAY(SELECT d.fence FROM deadlines d
            WHERE d.conversation = ANY (p_deadlines) AND d.fence = ANY (p_fences));
        UPDATE deadlines d SET until = v_until WHERE d.conversation = ANY (p_deadlines) AND d.fence = ANY (ARRAY(
            SELECT x.fence FROM deadlines x WHERE x.conversation = ANY (p_deadlines) AND x.fence = ANY (p_fences)
            FOR UPDATE SKIP LOCKED));
    END IF;
    RETURN v_ours;
END $$;

CREATE OR REPLACE FUNCTION kefu_commit(
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
    UPDATE dispatches SET held = false, due_at = v_now WHERE id = ANY (ARRAY(
        SELECT d.id FROM dispatches d WHERE d.lane = p_contact_lane AND d.held ORDER BY d.id + 0 LIMIT p_release));

    WITH done AS (
        DELETE FROM arrivals a WHERE a.id = ANY (p_done) AND a.conversation = p_conversation AND a.id = ANY (v_carried)
        RETURNING a.id, a.conversation, a.at, p_verdicts[array_position(p_done, a.id)] AS verdict, a.body
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
            ORDER BY e.id + 0 LIMIT 1 FOR UPDATE;
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
