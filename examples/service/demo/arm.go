package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/asidecache/aside/examples/service/store"
)

// An arm is one of the two services that get the same requests, as the client sees it.
type arm struct {
	path   string // in front of the routes
	client *http.Client

	mu       sync.Mutex // guards all below
	running  map[*request]struct{}
	ended    []ended // of the last window
	requests int
	failed   int
	reads    reads
	changes  map[int64][]change // of users, as far as they were acknowledged
}

// A request is one that a client waits for.
type request struct{ began time.Time }

type ended struct {
	at   time.Time
	took time.Duration
}

// A change of a user, and when the service has acknowledged it.
type change struct {
	revision int64
	at       time.Time
}

// reads of users: those that began after a change was acknowledged, and returned what was before,
// are stale.
type reads struct {
	All   int           `json:"all"`
	Stale int           `json:"stale"`
	Worst time.Duration `json:"-"` // from the acknowledgement until the stale read
}

const (
	window     = 5 * time.Second // of which percentiles are
	keepsOf    = 64              // changes of a user that are remembered
	longest    = 10 * time.Second
	maxRunning = 400 // requests of an arm: a client gives up where there are more
)

func newArm(path string, client *http.Client) *arm {
	return &arm{
		path: path, client: client,
		running: make(map[*request]struct{}), changes: make(map[int64][]change),
	}
}

// begin counts a request, unless there are too many that wait.
func (a *arm) begin(limited bool) (*request, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests++
	if limited && len(a.running) >= maxRunning {
		a.failed++
		return nil, false
	}
	r := &request{time.Now()}
	a.running[r] = struct{}{}
	return r, true
}

func (a *arm) end(r *request, ok bool) time.Duration {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.running, r)
	took := now.Sub(r.began)
	a.ended = append(a.ended, ended{now, took})
	if !ok {
		a.failed++
	}
	return took
}

// acknowledged notes a change that the service has confirmed.
func (a *arm) acknowledged(id, revision int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := append(a.changes[id], change{revision, time.Now()})
	slices.SortFunc(all, func(x, y change) int { return int(x.revision - y.revision) })
	a.changes[id] = all[max(0, len(all)-keepsOf):]
}

// read notes what a read that began at a time has returned, and reports whether it was stale: a
// later revision had been acknowledged before.
func (a *arm) read(id, revision int64, began time.Time) (stale bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reads.All++
	for _, c := range a.changes[id] {
		if c.revision > revision && c.at.Before(began) {
			stale = true
			a.reads.Worst = max(a.reads.Worst, began.Sub(c.at))
		}
	}
	if stale {
		a.reads.Stale++
	}
	return stale
}

// user asks for a user.
func (a *arm) user(
	ctx context.Context, base string, id int64, o options,
) (u store.User, took time.Duration, stale bool, err error) {
	r, ok := a.begin(!o.always)
	if !ok {
		return u, 0, false, errTooMany
	}
	err = a.send(ctx, o, http.MethodGet, fmt.Sprintf("%s%s/users/%d", base, a.path, id), nil, &u)
	took = a.end(r, err == nil)
	if err == nil {
		stale = a.read(id, u.Revision, r.began)
	}
	return u, took, stale, err
}

// rename changes a user.
func (a *arm) rename(
	ctx context.Context, base string, id int64, name string, o options,
) (store.User, error) {
	r, ok := a.begin(!o.always)
	if !ok {
		return store.User{}, errTooMany
	}
	var u store.User
	url := fmt.Sprintf("%s%s/users/%d", base, a.path, id)
	err := a.send(ctx, o, http.MethodPatch, url, map[string]string{"name": name}, &u)
	if err == nil {
		a.acknowledged(id, u.Revision)
	}
	a.end(r, err == nil)
	return u, err
}

// other sends a request whose answer is not looked at.
func (a *arm) other(ctx context.Context, base, method, path string, body any) {
	if r, ok := a.begin(true); ok {
		a.end(r, a.send(ctx, options{}, method, base+a.path+path, body, nil) == nil)
	}
}

// options of a request.
type options struct {
	run    string // to count its queries by, see withRun
	always bool   // also where many wait
}

var errTooMany = fmt.Errorf("%d requests wait", maxRunning)

// runHeader names the run of a request.
const runHeader = "Demo-Run"

func (a *arm) send(ctx context.Context, o options, method, url string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if o.run != "" {
		req.Header.Set(runHeader, o.run)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", method, url, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// seen is what clients have seen of an arm.
type seen struct {
	Requests int
	Failed   int
	Waiting  int
	P50, P99 time.Duration
	Reads    reads
}

// look returns what clients have seen so far. Percentiles are those of the window, and of the
// requests that still wait, as old as they are: those of a service that does not answer would not
// be seen otherwise.
func (a *arm) look() seen {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = slices.DeleteFunc(a.ended, func(e ended) bool { return now.Sub(e.at) > window })
	times := make([]time.Duration, 0, len(a.ended)+len(a.running))
	for _, e := range a.ended {
		times = append(times, e.took)
	}
	for r := range a.running {
		times = append(times, now.Sub(r.began))
	}
	s := seen{Requests: a.requests, Failed: a.failed, Waiting: len(a.running), Reads: a.reads}
	if len(times) > 0 {
		slices.Sort(times)
		s.P50, s.P99 = times[len(times)/2], times[len(times)*99/100]
	}
	return s
}
