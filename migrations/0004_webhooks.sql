-- +goose Up

-- Where apps want to be told what happens in their channels. events is names with spaces between them, empty: all. The headers that an app
-- wants in each request may hold passwords, so they are sealed; header_names is what people see of them.
CREATE TABLE webhook_endpoints (
    account_id   text NOT NULL,
    app_id       text NOT NULL,
    endpoint_id  text NOT NULL,
    url          text NOT NULL,
    events       text NOT NULL,
    prefix       text NOT NULL,
    suffix       text NOT NULL,
    batched      smallint NOT NULL,
    enabled      smallint NOT NULL,
    sealed       bytea NOT NULL,
    header_names text NOT NULL,
    created_at   bigint NOT NULL,
    created_by   text NOT NULL,
    PRIMARY KEY (account_id, app_id, endpoint_id),
    FOREIGN KEY (account_id, app_id) REFERENCES apps (account_id, app_id)
);

-- What became of requests to them, the latest of each app. The endpoint may be gone.
CREATE TABLE webhook_deliveries (
    account_id  text NOT NULL,
    app_id      text NOT NULL,
    delivery_id text NOT NULL,
    endpoint_id text NOT NULL,
    outcome     text NOT NULL,
    status      bigint NOT NULL,
    fault       text NOT NULL,
    duration    bigint NOT NULL,
    attempts    bigint NOT NULL,
    events      bigint NOT NULL,
    body        text NOT NULL,
    begun_at    bigint NOT NULL,
    told_at     bigint NOT NULL,
    next_at     bigint NOT NULL,
    PRIMARY KEY (account_id, app_id, delivery_id),
    FOREIGN KEY (account_id, app_id) REFERENCES apps (account_id, app_id)
);

CREATE INDEX webhook_deliveries_told ON webhook_deliveries (account_id, app_id, told_at);
