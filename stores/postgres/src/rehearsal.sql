-- A message's whole way, before the beginning of time and rolled back: a connection that has done it once has its plans and
-- what they need at hand. What it writes is named after its connection, so that those who rehearse side by side do not wait
-- for each other; what is due or waits before the beginning is its own.
BEGIN;
DO $$
DECLARE
    v_name text := 'rehearsal ' || pg_backend_pid();
    v_lane text := v_name || E'\x1f' || v_name || E'\x1f';
    v_none text[] := '{}';
    v_taken record;
    v_done record;
BEGIN
    SELECT * INTO v_taken FROM kefu_accept_in_hand(-5, 1000, 32, ARRAY[v_name], ARRAY['1'], ARRAY[v_name], ARRAY['{}'],
        ARRAY[true], ARRAY[1], ARRAY['{}'], ARRAY['{}'], v_none, v_none, v_none);
    SELECT * INTO v_done FROM kefu_commits(-5, 1000, v_taken.lanes, v_taken.fences,
        ARRAY['{}'], ARRAY[2]::smallint[], ARRAY[v_name], ARRAY[1], ARRAY[1], v_taken.contacts, ARRAY['{}'], ARRAY[0],
        ARRAY[v_lane], ARRAY[true], ARRAY[true],
        ARRAY[1], v_taken.ids, ARRAY['{}'],
        ARRAY[1], v_taken.ids, ARRAY['{}'], ARRAY['{}'], ARRAY[-5]::bigint[],
        ARRAY[1, 1], ARRAY[v_lane, v_lane], ARRAY[false, false], v_taken.ids || v_taken.ids, ARRAY['{}', '{}'],
        ARRAY[1], v_taken.ids, ARRAY[v_name], ARRAY['[]'], ARRAY['[]'], ARRAY[-5]::bigint[], ARRAY[-5]::bigint[],
        ARRAY[1], ARRAY[v_name], ARRAY['desk'],
        ARRAY[1], ARRAY['"idle"'], ARRAY[-5]::bigint[]);
    IF v_done.outcomes <> '{ok}' THEN RAISE EXCEPTION 'the commit was %', v_done.outcomes; END IF;
    -- A repeat, and one more from a known contact, that waits for a claim.
    PERFORM kefu_accept_in_hand(-5, 1000, 32, ARRAY[v_name, v_name], ARRAY['1', '2'], ARRAY[v_name, v_name],
        ARRAY['{}', '{}'], ARRAY[false, false], '{}', v_none, v_none, v_none, v_none, v_none);
    -- At the beginning itself: what nobody has is free since then.
    PERFORM kefu_claims(0, 1000, 32, 1, -9);
    IF NOT FOUND THEN RAISE EXCEPTION 'nothing was claimed'; END IF;
    PERFORM kefu_settle_all(0, v_done.dispatched[1:1], v_done.fences[1:1], ARRAY['done'], ARRAY[NULL]::bigint[],
        ARRAY[NULL]::text[], ARRAY[NULL]::text[], ARRAY['[]']);
    PERFORM kefu_due_dispatches(0, 1, 1000, v_none, v_none, '{}');
    PERFORM kefu_due_errands(0, 1, 1000, v_none);
    PERFORM kefu_due_deadlines(0, 1, 1000);
    PERFORM kefu_concerned(v_taken.lanes[1], NULL, v_none);
END $$;
ROLLBACK;
