package auth

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// claimForms says what header parameters and claims must be.
var claimForms = map[string]string{
	"alg": "a string", "kid": "a string",
	"iss": "a string", "sub": "a string", "jti": "a string", "key": "a string", "aud": "a string or a list of strings",
	"exp": "a number: Unix seconds", "iat": "a number: Unix seconds", "nbf": "a number: Unix seconds",
}

// partFault says what is wrong with a part of a token in words for who made it. Those of the decoders name types of this program,
// which are nobody's business.
func partFault(err error) error {
	if at, corrupt := errors.AsType[base64.CorruptInputError](err); corrupt {
		return fmt.Errorf("not base64url without padding, at byte %d", int64(at))
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return syntaxFault(syntactic)
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return err
	}
	for name := range semantic.JSONPointer.Tokens() { // the first: what is within a claim is the claim's fault
		if form, known := claimForms[name]; known {
			return fmt.Errorf("%s must be %s", name, form)
		}
		return fmt.Errorf("%.60q is of the wrong type", name)
	}
	return errors.New("not a JSON object")
}

func syntaxFault(fault *jsontext.SyntacticError) error {
	if errors.Is(fault.Err, jsontext.ErrDuplicateName) {
		return fmt.Errorf("the name %.60q stands twice in one object", fault.JSONPointer.LastToken())
	}
	return fmt.Errorf("not JSON in UTF-8, at byte %d", fault.ByteOffset)
}

// capabilityFault is partFault for a capability.
func capabilityFault(err error) error {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return syntaxFault(syntactic)
	}
	return errors.New(`an object of channel patterns is expected, each with a list of operations, as in {"room:*":["subscribe"]}`)
}
