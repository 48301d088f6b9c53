package wire_test

import (
	"reflect"
	"strings"
	"testing"

	"halley/pushnode/wire"
)

func TestQuickPublications(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		body  string
		quick bool
	}{
		{`{"data":1}`, true},
		{`{"data":null,"event":"e","id":"i 1","exclude":"ses_1"}`, true},
		{" {\t\"data\" :\r\n[ 1 , -0.5e+3 , true , false , \"a\\n\\\"\" ] } ", true},
		{`{"data":{"a":{},"b":[],"c":{"a":1}}}`, true},
		{`{"data":"ä"}`, true},
		{`{"data":"` + strings.Repeat("[", 40) + `"}`, true},
		{`{"data":[[[[[[[1]]]]]]]}`, true},
		{`{"event":"` + strings.Repeat("e", 100) + `","data":0}`, true},
		// The strict reader takes these.
		{`{"data":[[[[[[[[1]]]]]]]]}`, false},
		{`{"data":"\u0041"}`, false},
		{`{"da\ta":1,"data":1}`, false},
		{`{"d\u0061ta":1}`, false},
		{`{"data":1,"event":"ä"}`, false},
		{`{"data":{"a0":0,"a1":0,"a2":0,"a3":0,"a4":0,"a5":0,"a6":0,"a7":0,"a8":0,"a9":0,"b0":0,"b1":0,"b2":0,"b3":0,"b4":0,"b5":0,"b6":0}}`, false},
		// And refuses these.
		{``, false},
		{`1`, false},
		{`{}`, false},
		{`{"event":"e"}`, false},
		{`{"data":1,}`, false},
		{`{"data":1}1`, false},
		{`{"data":1,"data":1}`, false},
		{`{"data":{"a":1,"a":1}}`, false},
		{`{"data":1,"more":1}`, false},
		{`{"Data":1}`, false},
		{`{"data":01}`, false},
		{`{"data":1.}`, false},
		{`{"data":-}`, false},
		{`{"data":+1}`, false},
		{`{"data":1e}`, false},
		{`{"data":nul}`, false},
		{`{"data":nulls}`, false},
		{`{"data":"a`, false},
		{`{"data":"\`, false},
		{`{"data":"\a"}`, false},
		{"{\"data\":\"\x01\"}", false},
		{"{\"data\":\"\xff\"}", false},
		{"{\"data\":\"\xed\xa0\x80\"}", false},
		{"{\"data\":\v1}", false},
		{`{"data":[1,]}`, false},
		{`{"data":1,"event":""}`, false},
		{`{"data":1,"event":1}`, false},
		{"{\"data\":1,\"id\":\"\x7f\"}", false},
		{`{"data":1,"event":"` + strings.Repeat("e", 101) + `"}`, false},
	} {
		got, quick := wire.QuickPublish([]byte(test.body))
		if quick != test.quick {
			t.Errorf("%q is quick: %v, want %v", test.body, quick, test.quick)
		}
		if want, fault := wire.StrictPublish([]byte(test.body)); quick && (fault != nil || !reflect.DeepEqual(got, want)) {
			t.Errorf("%q is %+v, want %+v, %v", test.body, got, want, fault)
		}
	}
}

// FuzzQuickPublish holds what is read on the quick way against the strict reader.
func FuzzQuickPublish(f *testing.F) {
	for _, body := range []string{
		`{"data":{"a":[1,-2.5e3,"\n",null],"b":{"c":""}},"event":"e","id":"i","exclude":"s"}`, ` { "data" : "ä" , "id":"x" } `,
		`{"data":[[[[[[[1]]]]]]]}`, string(publishBody),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, quick := wire.QuickPublish(body)
		if !quick {
			return
		}
		if want, fault := wire.StrictPublish(body); fault != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %+v, want %+v, %v", body, got, want, fault)
		}
	})
}
