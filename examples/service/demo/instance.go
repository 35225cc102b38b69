package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// An instance is the service once more, in another process: the same program, on the same database
// and Redis. It has to be a process and not a second server in this one, since what it shows is
// that caches of two processes are one, that have nothing in common but Redis.
type instance struct {
	base string
	cmd  *exec.Cmd
	in   io.Closer // the end of which ends it, also when this process is killed
	done chan struct{}
}

// sharedEnv is the environment variable by which a second instance gets a shared.
const sharedEnv = "ASIDE_SERVICE_DEMO"

// shared is what both instances use.
type shared struct {
	Database string `json:"database"` // of the service
	Plain    string `json:"plain"`    // of the one without aside
	Redis    string `json:"redis"`    // the URL
	Via      string `json:"via"`      // the address of the proxy
	Prefix   string `json:"prefix"`   // of the keys
}

// startTime is how long a second instance may take to start.
const startTime = 20 * time.Second

// Listening begins the line by which an instance says where it listens.
const Listening = "listening on "

// startInstance runs a program as a second instance, and returns when it listens.
func startInstance(program string, s shared) (*instance, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "-demo", "instance", "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), sharedEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	i := &instance{cmd: cmd, in: in, done: make(chan struct{})}
	base := make(chan string, 1)
	go func() {
		defer close(i.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if at, ok := strings.CutPrefix(lines.Text(), Listening); ok {
				base <- at
			}
		}
		_ = cmd.Wait()
	}()
	select {
	case i.base = <-base:
		return i, nil
	case <-i.done:
		return nil, errors.New("the second instance has ended at its start")
	case <-time.After(startTime):
		i.stop()
		return nil, errors.New("the second instance does not start")
	}
}

// stop ends the instance by its own shutdown, or else kills it.
func (i *instance) stop() {
	_ = i.in.Close()
	select {
	case <-i.done:
	case <-time.After(startTime):
		_ = i.cmd.Process.Kill()
		<-i.done
	}
}

// counts asks the instance for its counts.
func (i *instance) counts(ctx context.Context, client *http.Client, run string) (counts, error) {
	var c counts
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.base+"/demo/counts?run="+run, nil)
	if err != nil {
		return c, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	return c, json.NewDecoder(resp.Body).Decode(&c)
}

// slow sets the delay of the instance's databases.
func (i *instance) slow(ctx context.Context, client *http.Client, delay time.Duration) error {
	url := fmt.Sprintf("%s/demo/slow?delay=%s", i.base, delay)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
