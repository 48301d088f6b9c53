// Package trust makes everything that the nodes of one cluster use to know each other out of one shared secret: the keys of the
// gossip, and for each process a certificate that names its instance.
//
// It opens no connection and keeps no file but the secret's, which it reads once. It does not decide who is in: whoever holds the
// secret is. It does not say that an instance still lives.
//
// Start reading at ReadFile, which gives Secrets, and Secrets.Identity, which gives both sides of mutual TLS. DESIGN.md says why.
package trust
