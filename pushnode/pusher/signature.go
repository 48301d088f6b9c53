package pusher

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// ChannelText is what the server of a customer signs to let one connection subscribe to a channel (Pusher protocol, "Authenticating
// users"): the channel's data is part of it wherever the client sent some, on private channels too.
func ChannelText(socketID, channel, channelData string) string {
	text := socketID + ":" + channel
	if channelData != "" {
		text += ":" + channelData
	}
	return text
}

// UserText is what the server of a customer signs to let one connection sign in as a user (Pusher protocol, "pusher:signin").
func UserText(socketID, userData string) string { return socketID + "::user::" + userData }

// Sign is the credential that a server hands out for a text: "KEY:HEX".
func Sign(key, secret, text string) string { return key + ":" + hexMAC(secret, text) }

// KeyOf returns the key that a credential "KEY:HEX" names, "" where it is none. It says which secret Verify needs.
func KeyOf(credential string) string {
	key, _, _ := strings.Cut(credential, ":")
	return key
}

// Verify reports whether credential is Sign(key, secret, text). The key is compared too: a signature under a key that was rolled must not
// count as one under the new. It takes the same time wherever the two differ.
func Verify(credential, key, secret, text string) bool {
	return equal(credential, Sign(key, secret, text))
}

// equal compares in constant time, but for the length.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func hexMAC(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text)) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}
