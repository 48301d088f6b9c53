package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// errInterrupted stands for a fetch that did not come to its end.
var errInterrupted = errors.New("interrupted")

// fetchJWKS reads the key set of a URL and says for how long it is fresh.
func fetchJWKS(ctx context.Context, client *http.Client, address string) (JWKS, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return JWKS{}, 0, fmt.Errorf("fetch key set: %w", err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(request)
	if err != nil {
		return JWKS{}, 0, fmt.Errorf("fetch key set: %w", withoutURL(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return JWKS{}, 0, fmt.Errorf("fetch key set: answered %d, want 200; redirects are not followed", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxJWKSBytes+1))
	if err != nil {
		return JWKS{}, 0, fmt.Errorf("fetch key set: %w", err)
	}
	keys, err := ParseJWKS(text)
	if err != nil {
		return JWKS{}, 0, fmt.Errorf("fetch key set: %w", err)
	}
	return keys, freshness(response.Header), nil
}

// freshness is max-age of Cache-Control, within bounds: RFC 9111 section 5.2.2.
func freshness(header http.Header) time.Duration {
	age := minKeySetAge
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		seconds, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32)
		switch {
		case name == "no-store" || name == "no-cache":
			return minKeySetAge
		case name == "max-age" && err == nil:
			age = time.Duration(seconds) * time.Second
		}
	}
	return min(max(age, minKeySetAge), maxKeySetAge)
}

// withoutQuery is an address as a log may show it: the query may hold what is not for logs.
func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// withoutURL drops the URL from an error of http.Client: its query may hold what is not for logs.
func withoutURL(err error) error {
	if urlError, ok := errors.AsType[*url.Error](err); ok {
		return urlError.Err
	}
	return err
}
