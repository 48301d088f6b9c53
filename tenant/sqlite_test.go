package tenant_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"halley/tenant"
)

// TestFilesAreTheOwnersAlone opens the embedded store in a folder that everybody may read, anew and with files of such a mode.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	must(t, os.Chmod(folder, 0o755))
	for _, name := range []string{"anew", "again"} {
		store, err := tenant.Open(t.Context(), tenant.Config{DataDir: folder, Logger: quiet()})
		must(t, err)
		must(t, store.Migrate(t.Context()))
		seen := make(map[string]fs.FileMode)
		entries, err := os.ReadDir(folder)
		must(t, err)
		for _, entry := range entries {
			info, err := entry.Info()
			must(t, err)
			seen[entry.Name()] = info.Mode().Perm()
			if mode := info.Mode().Perm(); mode != 0o600 {
				t.Errorf("%s: %s has mode %o, want 600", name, entry.Name(), mode)
			}
		}
		for _, file := range []string{"halley.db", "halley.db-wal", "halley.db-shm", "master.key"} {
			if _, found := seen[file]; !found {
				t.Errorf("%s: there is no %s while the store is open: %v", name, file, seen)
			}
		}
		must(t, store.Close())
		must(t, os.Chmod(filepath.Join(folder, "halley.db"), 0o644))
	}
}
