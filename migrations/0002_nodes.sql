-- +goose Up

-- What each process says of itself every few seconds, for operators; buried_at is when one of them called it dead. Nothing in the cluster
-- rests on it but that word.
CREATE TABLE nodes (
    instance   text PRIMARY KEY,
    name       text NOT NULL,
    started_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    report     text NOT NULL,
    buried_at  bigint NOT NULL
);
