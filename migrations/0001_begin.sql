-- +goose Up

-- One row. Its revision counts the changes that push nodes must see; who raises it holds its lock until the transaction ends, so
-- revisions become visible in their order. master_key is the fingerprint of the key that sealed the first secret.
CREATE TABLE installation (
    id         smallint PRIMARY KEY CHECK (id = 1),
    revision   bigint NOT NULL,
    master_key text NOT NULL
);
INSERT INTO installation (id, revision, master_key) VALUES (1, 0, '');

-- People. They are not a tenant's: one person may be a member of several accounts.
CREATE TABLE users (
    user_id     text PRIMARY KEY,
    email       text NOT NULL UNIQUE,
    name        text NOT NULL,
    password    text NOT NULL,
    verified_at bigint NOT NULL,
    created_at  bigint NOT NULL
);

-- Failed log-ins in a row, by the hash of the address that was tried, be there such a user or not.
CREATE TABLE login_failures (
    address_hash bytea PRIMARY KEY,
    failures     bigint NOT NULL,
    failed_at    bigint NOT NULL
);

CREATE TABLE console_sessions (
    session_id   text PRIMARY KEY,
    secret_hash  bytea NOT NULL UNIQUE,
    user_id      text NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    created_at   bigint NOT NULL,
    seen_at      bigint NOT NULL,
    confirmed_at bigint NOT NULL,
    ip           text NOT NULL,
    agent        text NOT NULL
);
CREATE INDEX console_sessions_user ON console_sessions (user_id);

CREATE TABLE one_time_tokens (
    token_hash bytea PRIMARY KEY,
    purpose    text NOT NULL,
    user_id    text NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    email      text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose);

-- Secrets that a page shows once, sealed, for the session that made them.
CREATE TABLE flashes (
    flash_id   text PRIMARY KEY,
    session_id text NOT NULL REFERENCES console_sessions (session_id) ON DELETE CASCADE,
    sealed     bytea NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX flashes_session ON flashes (session_id);

-- The installation's own keys, which sign the tokens that Halley issues.
CREATE TABLE signing_keys (
    key_id     text PRIMARY KEY,
    sealed     bytea NOT NULL,
    created_at bigint NOT NULL,
    retired_at bigint NOT NULL
);

-- Tenants. From here on every table has account_id in its primary key and in every reference, so that a row of one account
-- cannot refer to a row of another.
CREATE TABLE accounts (
    account_id text PRIMARY KEY,
    name       text NOT NULL,
    operated   smallint NOT NULL,
    suspended  smallint NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX accounts_name ON accounts (name);

CREATE TABLE members (
    account_id text NOT NULL REFERENCES accounts (account_id),
    user_id    text NOT NULL REFERENCES users (user_id),
    role       text NOT NULL CHECK (role IN ('owner', 'admin', 'developer', 'viewer')),
    created_at bigint NOT NULL,
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX members_user ON members (user_id);

CREATE TABLE account_limits (
    account_id text NOT NULL REFERENCES accounts (account_id),
    limit_name text NOT NULL,
    value      bigint NOT NULL,
    PRIMARY KEY (account_id, limit_name)
);

-- A deleted app keeps its row: the ledger refers to it.
CREATE TABLE apps (
    account_id text NOT NULL REFERENCES accounts (account_id),
    app_id     text NOT NULL UNIQUE,
    name       text NOT NULL,
    label      text NOT NULL CHECK (label IN ('development', 'staging', 'production')),
    origins    text NOT NULL,
    disabled   smallint NOT NULL,
    token_ttl  bigint NOT NULL,
    issuer     text NOT NULL,
    jwks_url   text NOT NULL,
    revision   bigint NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    deleted_at bigint NOT NULL,
    PRIMARY KEY (account_id, app_id)
);
CREATE UNIQUE INDEX apps_name ON apps (account_id, name) WHERE deleted_at = 0;
CREATE INDEX apps_revision ON apps (revision);

CREATE TABLE app_limits (
    account_id text NOT NULL,
    app_id     text NOT NULL,
    limit_name text NOT NULL,
    value      bigint NOT NULL,
    PRIMARY KEY (account_id, app_id, limit_name),
    FOREIGN KEY (account_id, app_id) REFERENCES apps (account_id, app_id)
);

CREATE TABLE app_keys (
    account_id   text NOT NULL,
    app_id       text NOT NULL,
    key_id       text NOT NULL UNIQUE,
    kind         text NOT NULL CHECK (kind IN ('secret', 'publishable')),
    hash         bytea NOT NULL,
    last4        text NOT NULL,
    name         text NOT NULL,
    capability   text NOT NULL,
    created_at   bigint NOT NULL,
    created_by   text NOT NULL,
    expires_at   bigint NOT NULL,
    revoked_at   bigint NOT NULL,
    rolled_from  text NOT NULL,
    last_used_at bigint NOT NULL,
    public_text  text NOT NULL, -- of a publishable key, which is no secret; empty for a secret one
    PRIMARY KEY (account_id, app_id, key_id),
    FOREIGN KEY (account_id, app_id) REFERENCES apps (account_id, app_id)
);

CREATE TABLE channel_rules (
    account_id     text NOT NULL,
    app_id         text NOT NULL,
    prefix         text NOT NULL,
    public         smallint NOT NULL,
    client_publish smallint NOT NULL,
    presence       smallint NOT NULL,
    policy         text NOT NULL CHECK (policy IN ('resume', 'block', 'latest', 'lossy')),
    messages       bigint NOT NULL,
    bytes          bigint NOT NULL,
    age            bigint NOT NULL,
    PRIMARY KEY (account_id, app_id, prefix),
    FOREIGN KEY (account_id, app_id) REFERENCES apps (account_id, app_id)
);

-- Secrets with which a customer signs tokens, sealed: the server must compute the same signature.
CREATE TABLE token_keys (
    account_id   text NOT NULL,
    app_id       text NOT NULL,
    token_key_id text NOT NULL,
    sealed       bytea NOT NULL,
    created_at   bigint NOT NULL,
    created_by   text NOT NULL,
    PRIMARY KEY (account_id, app_id, token_key_id),
    FOREIGN KEY (account_id, app_id) REFERENCES apps (account_id, app_id)
);

-- What each process counted, by minute, hour and month: absolute values, so that to write a row again changes nothing.
CREATE TABLE usage_ledger (
    account_id  text NOT NULL,
    app_id      text NOT NULL,
    period      text NOT NULL CHECK (period IN ('minute', 'hour', 'month')),
    begins_at   bigint NOT NULL,
    node        text NOT NULL,
    publishes   bigint NOT NULL,
    deliveries  bigint NOT NULL,
    bytes_in    bigint NOT NULL,
    bytes_out   bigint NOT NULL,
    presence    bigint NOT NULL,
    connections bigint NOT NULL,
    PRIMARY KEY (account_id, app_id, period, begins_at, node),
    FOREIGN KEY (account_id, app_id) REFERENCES apps (account_id, app_id)
);
CREATE INDEX usage_ledger_time ON usage_ledger (period, begins_at);

-- Append only.
CREATE TABLE audit_rows (
    account_id text NOT NULL REFERENCES accounts (account_id),
    audit_id   text NOT NULL,
    at         bigint NOT NULL,
    actor      text NOT NULL,
    role       text NOT NULL,
    ip         text NOT NULL,
    request_id text NOT NULL,
    action     text NOT NULL,
    target     text NOT NULL,
    detail     text NOT NULL,
    PRIMARY KEY (account_id, audit_id)
);
