-- A claim that is handed back blames no arrival: what failed was around it. A lease that ends without a word still counts.

CREATE OR REPLACE FUNCTION kefu_abandon(p_now bigint, p_conversation bigint, p_fence bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ready SET fence = 0, until = 0, carried = '{}', at = kefu_now(p_now)
        WHERE conversation = p_conversation AND fence = p_fence;
    RETURN FOUND;
END $$;
