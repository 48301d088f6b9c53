package auth_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestTokenFaultsAreInPlainWords breaks tokens as who signs them may, and wants no word of this program's insides.
func TestTokenFaultsAreInPlainWords(t *testing.T) {
	t.Parallel()
	w := hmacWorld(t)
	unix := func(offset int64) string { return fmt.Sprint(noon.Unix() + offset) }
	claims := func(name, value string) string { return signedByA(t, headerA, payload(map[string]string{name: value})) }
	parts := strings.Split(signedByA(t, headerA, payload(nil)), ".")
	twice := strings.TrimSuffix(payload(nil), "}") + `,"sub":"eve"}`
	for name, test := range map[string]struct{ token, says string }{
		"exp is text":        {claims("exp", `"soon"`), "token payload: exp must be a number: Unix seconds"},
		"iat is a list":      {claims("iat", `[1]`), "token payload: iat must be a number: Unix seconds"},
		"sub is a number":    {claims("sub", `7`), "token payload: sub must be a string"},
		"aud is a number":    {claims("aud", `7`), "token payload: aud must be a string or a list of strings"},
		"aud holds a number": {claims("aud", `[7]`), "token payload: aud must be a string or a list of strings"},
		"exp before iat":     {claims("exp", unix(-10)), "exp does not lie after iat"},
		"exp too far":        {claims("exp", unix(86401)), "exp is more than 24h0m0s after iat"},
		"sub with a control": {claims("sub", `"a\nb"`), "sub is a client id: at most 128 characters, no control characters"},
		"no cap":             {claims("cap", ""), "cap is missing"},
		"cap is a list":      {claims("cap", `["publish"]`), "an object of channel patterns is expected"},
		"cap holds text":     {claims("cap", `{"a":"publish"}`), "an object of channel patterns is expected"},
		"kid is a number":    {signedByA(t, `{"alg":"HS256","kid":1}`, payload(nil)), "token header: kid must be a string"},
		"a claim twice":      {signedByA(t, headerA, twice), `the name "sub" stands twice in one object`},
		"text after it":      {signedByA(t, headerA, payload(nil)+"{}"), "token payload: not JSON in UTF-8, at byte "},
		"not base64url":      {parts[0] + ".e30=." + parts[2], "token payload: not base64url without padding, at byte 3"},
	} {
		_, err := w.authenticate(t, test.token)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, test.says)
			continue
		}
		for _, word := range []string{"Go ", "json:", "jsontext", "auth.", "unmarshal", "base64 data"} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v has %q", name, err, word)
			}
		}
	}
}
