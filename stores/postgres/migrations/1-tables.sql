-- Tables. What is in work (arrivals, ready, dispatches, errands, deadlines) stays small; turned, entries and sent are
-- history and only grow at their right edge, so that accepting and claiming cost the same at ten million messages as at
-- ten thousand. Bodies are JSON as text: nothing but Rust looks into them. Times are milliseconds since the epoch.
--
-- Plans, by EXPLAIN on filled tables (held by a test): claim walks ready_in_order and skips what is locked; accept
-- probes seen and threads by their primary keys; due walks the partial index of its kind; nothing scans history.

CREATE SEQUENCE fences;
-- No cache: a session that kept numbers back would give later arrivals smaller ones.
CREATE SEQUENCE arrival_ids;
CREATE SEQUENCE conversation_ids;
CREATE SEQUENCE contact_ids;
CREATE SEQUENCE dispatch_ids;
CREATE SEQUENCE errand_ids;
CREATE SEQUENCE entry_ids;

CREATE TABLE facts (key text PRIMARY KEY, value text NOT NULL);

-- External ids begin with the platform's time: inserts stay at the right edge of each inbox's range.
CREATE TABLE seen (
    inbox text COLLATE "C" NOT NULL, external_id text COLLATE "C" NOT NULL, at bigint NOT NULL,
    PRIMARY KEY (inbox, external_id));

CREATE TABLE contacts (id bigint PRIMARY KEY, body text NOT NULL);

-- phase: 0 assisted, 1 queued, 2 assigned, 3 resolved; tail: the last line of the transcript.
CREATE TABLE conversations (
    id bigint PRIMARY KEY, contact bigint NOT NULL, phase smallint NOT NULL, agent text, tail bigint NOT NULL DEFAULT 0,
    body text NOT NULL) WITH (fillfactor = 80);
CREATE INDEX conversations_open ON conversations (phase, agent) WHERE phase < 3;

CREATE TABLE threads (
    inbox text COLLATE "C" NOT NULL, peer text COLLATE "C" NOT NULL, conversation bigint NOT NULL, desk boolean NOT NULL,
    PRIMARY KEY (inbox, peer));
CREATE INDEX threads_of_desks ON threads (conversation) WHERE desk;

CREATE TABLE arrivals (
    id bigint PRIMARY KEY, conversation bigint NOT NULL, at bigint NOT NULL, failures integer NOT NULL DEFAULT 0,
    body text NOT NULL);
CREATE INDEX arrivals_of ON arrivals (conversation, id);

-- One row for each conversation with arrivals waiting: the lane. Accept touches it, commit holds it: neither overlooks
-- the other. fence 0: nobody has it.
CREATE TABLE ready (
    conversation bigint PRIMARY KEY, at bigint NOT NULL, fence bigint NOT NULL DEFAULT 0, until bigint NOT NULL DEFAULT 0,
    carried bigint[] NOT NULL DEFAULT '{}') WITH (fillfactor = 50);
CREATE INDEX ready_in_order ON ready (at, conversation);

CREATE TABLE turned (
    id bigint PRIMARY KEY, conversation bigint NOT NULL, at bigint NOT NULL, turned_at bigint NOT NULL,
    verdict text NOT NULL, body text NOT NULL);

-- prev: the line before it in the same conversation. A conversation is read along this chain: an index by conversation
-- would scatter every insert.
CREATE TABLE entries (
    id bigint PRIMARY KEY, conversation bigint NOT NULL, prev bigint NOT NULL, trace bigint NOT NULL,
    episode integer NOT NULL, at bigint NOT NULL, author text NOT NULL, body text NOT NULL);

-- head: the first of its lane; only heads are due.
CREATE TABLE dispatches (
    id bigint PRIMARY KEY, lane text COLLATE "C" NOT NULL, head boolean NOT NULL, held boolean NOT NULL,
    due_at bigint NOT NULL, attempts integer NOT NULL DEFAULT 0, fence bigint NOT NULL DEFAULT 0,
    until bigint NOT NULL DEFAULT 0, trace bigint NOT NULL, reason text, body text NOT NULL) WITH (fillfactor = 70);
CREATE INDEX dispatches_of ON dispatches (lane, id);
CREATE INDEX dispatches_due ON dispatches (due_at, id) WHERE head AND NOT held;

CREATE TABLE sent (
    trace bigint NOT NULL, id bigint NOT NULL, at bigint NOT NULL, state text NOT NULL, attempts integer NOT NULL,
    reason text, external_id text, lost text NOT NULL, body text NOT NULL, PRIMARY KEY (trace, id));

CREATE TABLE errands (
    id bigint PRIMARY KEY, conversation bigint NOT NULL, due_at bigint NOT NULL, latest bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0, fence bigint NOT NULL DEFAULT 0, until bigint NOT NULL DEFAULT 0,
    trace bigint NOT NULL, episode integer NOT NULL, bot text NOT NULL, argv text NOT NULL, said text[] NOT NULL);
CREATE INDEX errands_of ON errands (conversation, id);
CREATE INDEX errands_due ON errands (due_at, id);

CREATE TABLE deadlines (
    conversation bigint NOT NULL, kind text NOT NULL, at bigint NOT NULL, episode integer NOT NULL,
    fence bigint NOT NULL DEFAULT 0, until bigint NOT NULL DEFAULT 0, PRIMARY KEY (conversation, kind));
CREATE INDEX deadlines_due ON deadlines (at);

CREATE TABLE cursors (inbox text NOT NULL, topic text NOT NULL, cursor text NOT NULL, PRIMARY KEY (inbox, topic));
CREATE TABLE media (key text PRIMARY KEY, body text NOT NULL);
