package trust

import "time"

// At makes an identity live at a time of the test's choice.
func (i *Identity) At(now func() time.Time) { i.now = now }

// Current is the certificate that the next handshake shows.
var Current = (*Identity).current
