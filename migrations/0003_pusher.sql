-- +goose Up

-- Apps that Pusher's SDKs reach. number is what Pusher calls the app id, which those SDKs want to be digits. The row outlives the switch,
-- so that an app that is switched on again is the same to the clients out there.
CREATE TABLE pusher_apps (
    account_id          text NOT NULL,
    app_id              text NOT NULL,
    number              text NOT NULL UNIQUE,
    enabled             smallint NOT NULL,
    client_events       smallint NOT NULL,
    subscription_counts smallint NOT NULL,
    event_bytes         bigint NOT NULL,
    rewind              bigint NOT NULL,
    PRIMARY KEY (account_id, app_id),
    FOREIGN KEY (account_id, app_id) REFERENCES apps (account_id, app_id)
);

-- The keys of those apps, which stand in pages, with their secrets sealed: the server must compute the same signatures. revoked_at
-- may lie in the future while a rolled key still works.
CREATE TABLE pusher_keys (
    account_id  text NOT NULL,
    app_id      text NOT NULL,
    pusher_key  text NOT NULL UNIQUE,
    sealed      bytea NOT NULL,
    created_at  bigint NOT NULL,
    created_by  text NOT NULL,
    revoked_at  bigint NOT NULL,
    rolled_from text NOT NULL,
    PRIMARY KEY (account_id, app_id, pusher_key),
    FOREIGN KEY (account_id, app_id) REFERENCES pusher_apps (account_id, app_id)
);
