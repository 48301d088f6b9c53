package cluster

import (
	"crypto/sha256"
	"encoding/hex"
)

// Label makes the mark that nodes of one deployment put on all gossip, so that two deployments never become one cluster through an
// address that one gave up and the other got. It is made of what all nodes of a deployment share without any setting: the system
// identifier of the database's server, and the name of the database. It is no secret.
func Label(system, database string) string {
	sum := sha256.New()
	for _, part := range []string{"halley cluster 1", system, database} {
		sum.Write([]byte{byte(len(part) >> 8), byte(len(part))}) // the length parts "ab" and "c" from "a" and "bc"
		sum.Write([]byte(part))
	}
	return "halley-" + hex.EncodeToString(sum.Sum(nil)[:16])
}
