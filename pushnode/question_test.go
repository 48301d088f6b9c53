package pushnode_test

import (
	"bytes"
	"testing"

	"halley/pushnode"
)

// FuzzPeers has another node say anything: what is understood means the same when it is said again.
func FuzzPeers(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"disconnect":{"app":"app_1","client_id":"ada"}}`, `{"commands":{"credential":"hl_pk_x","body":"e30="}}`, `{"other":1}`,
		`{"ended":["ses_1"]}`, `{"body":{"replies":[]}}`, `{"error":{"code":4101,"message":"later","wait":1000}}`, `[`, `{"error":{}}`, `null`,
		`{"disconnect":null,"commands":null}`, `{"body":nul}`, `{"error":{"code":-1}}`, `{"hottest":{"app":"app_1"}}`, `{"hottest":{"channels":[{"app":"a","channel":"b","queue_bytes":1}],"apps":null}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, decode := range []func([]byte) ([]byte, error){pushnode.DecodeQuestion, pushnode.DecodePeerAnswer} {
			once, err := decode(data)
			if err != nil {
				continue
			}
			if again, err := decode(once); err != nil || !bytes.Equal(once, again) {
				t.Errorf("%q is %q, and then %q, %v", data, once, again, err)
			}
		}
	})
}

// TestQuestionOfAnyText asks about what is no text: that ends nothing.
func TestQuestionOfAnyText(t *testing.T) {
	t.Parallel()
	if _, err := pushnode.DecodeQuestion(pushnode.EncodeDisconnect("app", "ses_\xff")); err != nil {
		t.Error(err)
	}
}
