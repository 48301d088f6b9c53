package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"
)

// assets are the files of web/static, read once. Their addresses carry a hash of the content, so that browsers may keep them for
// good and still see a new release at once.
type assets struct {
	files map[string]asset
}

type asset struct {
	content     []byte
	contentType string
	version     string // the first 12 hex digits of SHA-256
}

func newAssets(files fs.FS) (*assets, error) {
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		return nil, fmt.Errorf("list static files: %w", err)
	}
	loaded := &assets{files: make(map[string]asset, len(names))}
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read static file: %w", err)
		}
		sum := sha256.Sum256(content)
		loaded.files[path.Base(name)] = asset{
			content:     content,
			contentType: contentType(name),
			version:     hex.EncodeToString(sum[:6]),
		}
	}
	return loaded, nil
}

// contentType does not trust the machine's own MIME table for the three types that there are.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(path.Ext(name))
	}
}

// path is the address of a file. A name that does not exist is a fault of a template, and the template fails.
func (a *assets) path(name string) (string, error) {
	file, found := a.files[name]
	if !found {
		return "", fmt.Errorf("no static file %q", name)
	}
	return "/static/" + name + "?v=" + file.version, nil
}

// serve answers GET /static/{name}; it reports false where there is no such file.
func (a *assets) serve(w http.ResponseWriter, r *http.Request, name string) bool {
	file, found := a.files[name]
	if !found {
		return false
	}
	header := w.Header()
	header.Set("Content-Type", file.contentType)
	header.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == file.version {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Set("ETag", `"`+file.version+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file.content))
	return true
}
