package console

import (
	"errors"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"halley/tenant"
)

// maxFormBytes bounds a posted form: the largest field is the data of a publication, which the API's own limit bounds further.
const maxFormBytes = 128 << 10

// The reasons for which readForm refuses a request.
var (
	errFormTooLarge = errors.New("the form is too large")
	errFormType     = errors.New("the form has a content type other than application/x-www-form-urlencoded")
	errFormBroken   = errors.New("the form cannot be read")
)

// form is what was posted and what is wrong with it. The zero value is an empty form.
type form struct {
	values url.Values
	faults []fault
}

// fault is one thing that is wrong with one field. Field is the name of the input and its id.
type fault struct {
	Field   string
	Message string
}

// readForm reads the body of a POST, and nothing of the query.
func readForm(w http.ResponseWriter, r *http.Request) (*form, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, errFormType
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, errFormTooLarge
		}
		return nil, fmt.Errorf("%w: %w", errFormBroken, err)
	}
	for _, values := range r.PostForm {
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return nil, fmt.Errorf("%w: a field is not valid UTF-8", errFormBroken)
			}
		}
	}
	return &form{values: r.PostForm}, nil
}

// Value is what was typed into a field.
func (f *form) Value(name string) string {
	if f == nil {
		return ""
	}
	return f.values.Get(name)
}

// Trimmed is Value without the spaces around it.
func (f *form) Trimmed(name string) string { return strings.TrimSpace(f.Value(name)) }

// Has reports whether a list of check boxes of one name has value among its ticked ones.
func (f *form) Has(name, value string) bool {
	if f == nil {
		return false
	}
	for _, ticked := range f.values[name] {
		if ticked == value {
			return true
		}
	}
	return false
}

// Fault adds a thing that is wrong with a field.
func (f *form) Fault(field, format string, arguments ...any) {
	f.faults = append(f.faults, fault{Field: field, Message: fmt.Sprintf(format, arguments...)})
}

// OK reports whether nothing is wrong.
func (f *form) OK() bool { return f == nil || len(f.faults) == 0 }

// Faults lists what is wrong, in the order in which it was found.
func (f *form) Faults() []fault {
	if f == nil {
		return nil
	}
	return f.faults
}

// Error is what is wrong with a field, or empty.
func (f *form) Error(field string) string {
	for _, fault := range f.Faults() {
		if fault.Field == field {
			return fault.Message
		}
	}
	return ""
}

// Invalid gives an input the attributes that tie it to its error. The names are those of our own templates, never a user's text.
func (f *form) Invalid(field string) template.HTMLAttr {
	if f.Error(field) == "" {
		return ""
	}
	return template.HTMLAttr(`aria-invalid="true" aria-describedby="` + template.HTMLEscapeString(field) + `-error"`)
}

// Refuse turns an error of the store about a field into a fault. It reports false for any other error, and for none.
func (f *form) Refuse(err error) bool { return f.refuseAs(err, nil) }

// refuseAs is Refuse where the form's fields have names other than the store's.
func (f *form) refuseAs(err error, names map[string]string) bool {
	var wrong *tenant.InvalidError
	if !errors.As(err, &wrong) {
		return false
	}
	field := wrong.Field
	if name, found := names[field]; found {
		field = name
	}
	f.Fault(field, "%s", sentence(wrong.Reason))
	return true
}
