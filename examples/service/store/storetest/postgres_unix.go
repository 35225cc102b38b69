//go:build unix

package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTime is how long PostgreSQL may take to start.
const startTime = time.Minute

// startPostgres starts a PostgreSQL on a socket in a folder of its own, as a user that is not root,
// which it refuses to be.
func startPostgres() (address string, stop func(), err error) {
	programs, err := findPrograms()
	if err != nil {
		return "", nil, err
	}
	as, err := someUser()
	if err != nil {
		return "", nil, err
	}
	folder, err := os.MkdirTemp("", "aside-postgres-")
	if err != nil {
		return "", nil, err
	}
	remove := func() { _ = os.RemoveAll(folder) }
	if as != nil {
		if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
			remove()
			return "", nil, err
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as, Setpgid: true}
		return cmd
	}
	data := filepath.Join(folder, "data")
	out, err := command(filepath.Join(programs, "initdb"), "-D", data, "-U", "test", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	server := command("sh", "-c", whileRead, filepath.Join(programs, "postgres"), "-D", data,
		"-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB")
	end, err := untilReady(server)
	if err != nil {
		remove()
		return "", nil, err
	}
	query := url.Values{"host": {folder}, "user": {"test"}}
	return "postgres:///postgres?" + query.Encode(), func() { end(); remove() }, nil
}

// whileRead runs a program until its input ends, as it does also when the tests are killed. The
// program is ended by SIGINT, PostgreSQL's fast shutdown.
const whileRead = `"$0" "$@" & read -r _; kill -INT $!; wait $!`

// untilReady starts a server and returns, when it accepts connections, what ends it.
func untilReady(server *exec.Cmd) (end func(), err error) {
	in, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	says, err := server.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	var said strings.Builder
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(says)
		for isReady := false; lines.Scan() && !isReady; {
			said.WriteString(lines.Text() + "\n")
			if isReady = strings.Contains(lines.Text(), "ready to accept connections"); isReady {
				close(ready)
			}
		}
		_, _ = io.Copy(io.Discard, says)
		_ = server.Wait()
	}()
	end = func() {
		_ = in.Close()
		<-ended
	}
	select {
	case <-ready:
		return end, nil
	case <-ended:
		return nil, errors.New("PostgreSQL does not start:\n" + said.String())
	case <-time.After(startTime):
		end()
		return nil, errors.New("PostgreSQL does not start in time:\n" + said.String())
	}
}

// findPrograms returns the folder with the newest PostgreSQL that there is: Debian does not put it
// on the PATH.
func findPrograms() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		version := func(p string) int {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(p)))) // 0: none
			return n
		}
		newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("PostgreSQL is not installed")
	}
	return filepath.Dir(path), nil
}

// someUser is the user to start PostgreSQL as: nil for the one of the tests, unless that is root.
func someUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("there is no user to start PostgreSQL as, which refuses to be root's")
}
