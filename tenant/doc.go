// Package tenant knows who the customers are, what they may use and what they used. It is the only package with SQL.
//
// Store is the database, Postgres or SQLite behind one set of statements: every exported method is one transaction, the
// permission is checked and the audit row written in it. Directory answers a push node's questions from memory, Limiter says when
// an app has reached a bound, Meter counts what it uses and brings that to the ledger; none of them waits for the database on
// the way of a message.
//
// It does not verify credentials (package auth), speak HTTP or send mail (package console), or hold messages, presence or client
// sessions: those never reach a database.
//
// Start reading at scope.go and apps.go for how a change is made, then directory.go for how push nodes see it. DESIGN.md holds
// the rest.
package tenant
