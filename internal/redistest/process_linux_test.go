package redistest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestServersDieWithTheProcess runs itself in a second process and kills that.
func TestServersDieWithTheProcess(t *testing.T) {
	const inChild = "REDISTEST_CHILD"
	servers := Servers(t)
	if os.Getenv(inChild) != "" {
		fmt.Println("addr:", servers[0].Start(t, Standalone).Nodes()[0].Addr)
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
		return
	}
	if len(servers) == 0 {
		return // Servers has logged it
	}

	cmd := exec.Command(os.Args[0], "-test.run=^TestServersDieWithTheProcess$", "-test.v")
	cmd.Env = append(os.Environ(), inChild+"=1", "TMPDIR="+t.TempDir())
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addr string
	for lines := bufio.NewScanner(out); addr == "" && lines.Scan(); {
		_, addr, _ = strings.Cut(lines.Text(), "addr: ")
	}
	server, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := server.SetReadDeadline(time.Now().Add(startTimeout)); err != nil {
		t.Fatal(err)
	}

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if _, err := server.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection to the server stays open after the process that started it was killed")
	}
	// A process that ends closes its connections and its port one after the other.
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	err = poll(ctx, nil, func() error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return nil
		}
		c.Close()
		return fmt.Errorf("%s still listens", addr)
	})
	if err != nil {
		t.Error(err)
	}
}
