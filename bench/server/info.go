package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Counts are what a server has done since it was started.
type Counts struct {
	Calls map[string]int64 // commands by name, as in "get"
	Reads int64            // reads of sockets: for one caller at a time, its round trips
}

// The commands of this package, and those with which a client introduces itself.
var uncounted = []string{"info", "hello", "client", "ping", "command", "cluster", "config", "memory", "dbsize", "randomkey", "flushall", "auth", "select", "readonly"}

// Counts asks the server. What this package and the handshakes of clients send is
// left out of Calls.
func (p *Process) Counts(ctx context.Context) (Counts, error) {
	info, err := p.info(ctx, "everything")
	if err != nil {
		return Counts{}, err
	}
	c := Counts{Calls: map[string]int64{}}
	for name, value := range info {
		command, ok := strings.CutPrefix(name, "cmdstat_")
		if parent, _, _ := strings.Cut(command, "|"); !ok || slices.Contains(uncounted, parent) {
			continue
		}
		calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
		if c.Calls[command], err = strconv.ParseInt(calls, 10, 64); err != nil {
			return Counts{}, fmt.Errorf("server: commandstats: %w", err)
		}
	}
	c.Reads, err = strconv.ParseInt(info["total_reads_processed"], 10, 64)
	return c, err
}

// Since returns what was done between two questions. The later question itself is
// one read.
func (c Counts) Since(before Counts) Counts {
	d := Counts{Calls: map[string]int64{}, Reads: c.Reads - before.Reads - 1}
	for name, n := range c.Calls {
		if n -= before.Calls[name]; n > 0 {
			d.Calls[name] = n
		}
	}
	return d
}

// Total returns how many commands there were.
func (c Counts) Total() (n int64) {
	for _, calls := range c.Calls {
		n += calls
	}
	return n
}

// PerOp tells commands for each of ops operations: "get 1.00, set 0.50".
func (c Counts) PerOp(ops int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c.Calls)) {
		if per := float64(c.Calls[name]) / float64(ops); per >= 0.005 {
			parts = append(parts, fmt.Sprintf("%s %.2f", name, per))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// UsedMemory returns how much memory the server uses, in bytes.
func (p *Process) UsedMemory(ctx context.Context) (int64, error) {
	info, err := p.info(ctx, "memory")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(info["used_memory"], 10, 64)
}

// CPU returns how much processor time the server has used, in the program and in the system.
func (p *Process) CPU(ctx context.Context) (time.Duration, error) {
	info, err := p.info(ctx, "cpu")
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		part, err := time.ParseDuration(info[name] + "s")
		if err != nil {
			return 0, fmt.Errorf("server: %s: %w", name, err)
		}
		sum += part
	}
	return sum, nil
}

// info returns the fields of sections of INFO.
func (p *Process) info(ctx context.Context, section string) (map[string]string, error) {
	c := p.client()
	defer c.Close()
	text, err := c.Info(ctx, section).Result()
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

// Flush removes all keys.
func (p *Process) Flush(ctx context.Context) error {
	c := p.client()
	defer c.Close()
	return c.FlushAll(ctx).Err()
}
