-- Who is whom. Contacts stay as they are; that several are one person is a row here for each of them. A person is called
-- by the smallest number of their conversations. Whoever is set apart is alone: handles do not tie it.
CREATE TABLE kin (conversation bigint PRIMARY KEY, person bigint NOT NULL, apart boolean NOT NULL);
CREATE INDEX kin_of ON kin (person);
CREATE TABLE handles (
    handle text COLLATE "C" NOT NULL, conversation bigint NOT NULL, PRIMARY KEY (handle, conversation));

-- Whom a tie concerns, by number: this one, p_with, whoever is known by the handles, and whoever is one person with those.
CREATE FUNCTION kefu_concerned(p_conversation bigint, p_with bigint, p_handles text[]) RETURNS bigint[]
LANGUAGE sql VOLATILE AS $$
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
        UNION ALL SELECT m.conversation FROM named JOIN kin k ON k.conversation = named.id JOIN kin m ON m.person = k.person
    ) AS ids
$$;

-- Writes a tie in the same statement as its commit, and before it: its locks (lane, handles, kin, conversations by number)
-- come before those of the commit. KE001: the claim is another's; KE002: it concerns others than the turn saw.
CREATE FUNCTION kefu_tie(
    p_conversation bigint, p_fence bigint, p_tie text, p_other bigint, p_handles text[], p_seen bigint[],
    p_note_conversations bigint[], p_note_episodes integer[], p_note_traces bigint[], p_note_ats bigint[],
    p_note_authors text[], p_note_bodies text[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_with bigint := CASE p_tie WHEN 'join' THEN p_other END;
    v_group bigint[];
    v_line bigint;
    i integer;
BEGIN
    PERFORM 1 FROM ready WHERE conversation = p_conversation AND fence = p_fence FOR UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'the claim is another''s' USING ERRCODE = 'KE001'; END IF;
    -- Two who learn the same handle at once: the second waits, and then sees the first.
    PERFORM pg_advisory_xact_lock(hash) FROM (
        SELECT DISTINCT hashtextextended(handle, 13) AS hash FROM unnest(p_handles) AS handle ORDER BY 1) AS hashes;
    v_group := kefu_concerned(p_conversation, v_with, p_handles);
    IF p_tie <> 'known' OR cardinality(v_group) > 1 THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('kin', 17));
        v_group := kefu_concerned(p_conversation, v_with, p_handles);
    END IF;
    IF v_group <> p_seen THEN RAISE EXCEPTION 'it concerns others by now' USING ERRCODE = 'KE002'; END IF;

    INSERT INTO handles (handle, conversation) SELECT handle, p_conversation FROM unnest(p_handles) AS handle
    ORDER BY handle ON CONFLICT DO NOTHING;
    IF p_tie = 'part' THEN
        DELETE FROM kin WHERE conversation = ANY (v_group);
        v_group := array_remove(v_group, p_other);
        INSERT INTO kin (conversation, person, apart) VALUES (p_other, p_other, true);
    ELSIF p_tie = 'join' THEN
        DELETE FROM kin WHERE conversation = ANY (v_group);
    END IF;
    IF cardinality(v_group) > 1 THEN
        INSERT INTO kin (conversation, person, apart) SELECT id, v_group[1], false FROM unnest(v_group) AS id ORDER BY id
        ON CONFLICT (conversation) DO UPDATE SET person = excluded.person, apart = false;
    END IF;

    PERFORM 1 FROM conversations c WHERE c.id = ANY (p_conversation || p_note_conversations) ORDER BY c.id FOR UPDATE;
    FOR i IN 1 .. cardinality(p_note_conversations) LOOP
        INSERT INTO entries (id, conversation, prev, trace, episode, at, author, body)
        SELECT nextval('entry_ids'), c.id, c.tail, p_note_traces[i], p_note_episodes[i], p_note_ats[i],
            p_note_authors[i], p_note_bodies[i]
        FROM conversations c WHERE c.id = p_note_conversations[i] RETURNING id INTO v_line;
        UPDATE conversations SET tail = v_line WHERE id = p_note_conversations[i] AND v_line IS NOT NULL;
    END LOOP;
    RETURN true;
END $$;

-- A commit with a tie that was refused takes the tie back: it fails the statement. KE003: the seat is taken.
CREATE FUNCTION kefu_insist(p_outcome text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF p_outcome = 'seat' THEN RAISE EXCEPTION 'the seat is taken' USING ERRCODE = 'KE003'; END IF;
    IF p_outcome <> 'ok' THEN RAISE EXCEPTION 'the claim is another''s' USING ERRCODE = 'KE001'; END IF;
    RETURN p_outcome;
END $$;
