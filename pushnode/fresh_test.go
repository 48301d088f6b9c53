package pushnode_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"testing"

	"halley/tenant"
)

// fresh is the data folder of a node that has just been installed: to migrate a database waits for the disk many times.
var fresh = sync.OnceValues(func() (map[string][]byte, error) {
	folder, err := os.MkdirTemp("", "halley")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	ctx := context.Background()
	store, err := tenant.Open(ctx, tenant.Config{DataDir: folder, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(store.Migrate(ctx), store.Close()); err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	root := os.DirFS(folder)
	return files, fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[path], err = fs.ReadFile(root, path)
		}
		return err
	})
})

// freshFolder is such a folder of the test's own.
func freshFolder(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	root := must(os.OpenRoot(folder))(t)
	defer root.Close()
	for name, data := range must(fresh())(t) {
		if err := root.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
