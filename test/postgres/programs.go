package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"halley/test/debian"
)

// programs are Postgres's server programs, and the user that runs them: it refuses to be root.
type programs struct {
	folder string
	as     *syscall.Credential // nil: the user of this process
}

// find looks for the programs once per process: on PATH, in Debian's versioned folders, in Debian's package installed now.
var find = sync.OnceValues(func() (programs, error) {
	folder, ok := look()
	if !ok {
		if err := debian.Install("postgresql"); err != nil {
			const advice = "install PostgreSQL (Debian: apt-get install postgresql) or set %s to the URL of a server"
			return programs{}, fmt.Errorf("no server: "+advice+": %w", Variable, err)
		}
		if folder, ok = look(); !ok {
			return programs{}, errors.New("the package postgresql is installed, but there is no pg_ctl in /usr/lib/postgresql/*/bin")
		}
	}
	as, err := credential()
	return programs{folder: folder, as: as}, err
})

// look returns the folder of pg_ctl: the one on PATH, else Debian's highest version.
func look() (folder string, ok bool) {
	if path, err := exec.LookPath("pg_ctl"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && complete(filepath.Dir(path)) {
			return filepath.Dir(path), true
		}
	}
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well formed
	folders = slices.DeleteFunc(folders, func(folder string) bool { return !complete(folder) })
	if len(folders) == 0 {
		return "", false
	}
	return slices.MaxFunc(folders, func(a, b string) int { return version(a) - version(b) }), true
}

// complete reports whether the folder holds all programs that a server needs; a client's package brings a part of them.
func complete(folder string) bool {
	for _, name := range []string{"pg_ctl", "initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}

// version returns the major version of a folder like /usr/lib/postgresql/15/bin, and 0 where it is none.
func version(folder string) int {
	v, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	return v
}

// credential returns the user to run the server as: that of this process or, for root, the user postgres.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("the server does not run as root: add a user named postgres (Debian: apt-get install postgresql): %w", err)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		return nil, fmt.Errorf("user postgres: %w", err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// path returns the path of a program.
func (p programs) path(name string) string { return filepath.Join(p.folder, name) }

// command prepares a command in the folder, as the server's user, without the environment variables that would redirect Postgres.
func (p programs) command(folder, path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	return cmd
}

// own gives the folder to the server's user.
func (p programs) own(folder string) error {
	if p.as == nil {
		return nil
	}
	if err := os.Chown(folder, int(p.as.Uid), int(p.as.Gid)); err != nil {
		return fmt.Errorf("give the server its folder: %w", err)
	}
	return nil
}
