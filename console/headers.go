package console

import (
	"net/http"
	"net/url"
	"strings"
)

// permissionsPolicy switches off what a page of forms never needs.
const permissionsPolicy = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), " +
	"geolocation=(), gyroscope=(), hid=(), identity-credentials-get=(), idle-detection=(), local-fonts=(), magnetometer=(), " +
	"microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), " +
	"screen-wake-lock=(), serial=(), storage-access=(), usb=(), window-management=(), xr-spatial-tracking=()"

// hsts is a year, without includeSubDomains: the operator's other hosts are the operator's.
const hsts = "max-age=31536000"

// securityHeaders are those of every answer. The policy names the socket's own origin beside 'self', because older browsers do
// not count wss: as the same origin. Referrer-Policy is same-origin and not no-referrer: with the latter a form post on plain
// HTTP has Origin: null, which CrossOriginProtection must refuse.
func securityHeaders(public *url.URL) http.Header {
	header := http.Header{}
	header.Set("Content-Security-Policy", strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self' " + socketOrigin(public),
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
	}, "; "))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", permissionsPolicy)
	if public.Scheme == "https" {
		header.Set("Strict-Transport-Security", hsts)
	}
	return header
}

// socketOrigin is where a page of this console opens WebSockets.
func socketOrigin(public *url.URL) string {
	scheme := "ws"
	if public.Scheme == "https" {
		scheme = "wss"
	}
	return scheme + "://" + public.Host
}
