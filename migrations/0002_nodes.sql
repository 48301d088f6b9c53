-- +goose Up

-- What each process says of itself every few seconds, for operators. Nothing in the cluster rests on it.
CREATE TABLE nodes (
    instance   text PRIMARY KEY,
    name       text NOT NULL,
    started_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    report     text NOT NULL
);
