-- Leases that are renewed as long as their takers work: what a killed node had in hand is another's soon.

-- Renews what was taken under these fences; no two takings have one. The fences that still are their takers'. What is locked
-- is being settled, or taken over: nobody waits for it, and the next renewal sees what became of it.
CREATE FUNCTION kefu_renew(
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
        UPDATE deadlines d SET until = v_until FROM (
            SELECT x.conversation, x.kind FROM deadlines x
            WHERE x.conversation = ANY (p_deadlines) AND x.fence = ANY (p_fences)
            FOR UPDATE SKIP LOCKED) AS mine
        WHERE d.conversation = mine.conversation AND d.kind = mine.kind;
    END IF;
    RETURN v_ours;
END $$;
