package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/explain"
	"github.com/asidecache/aside/internal/rediskey"
)

var duCommand = &command{
	name: "du", args: "[PATTERN]",
	short: "counts keys and bytes by family",
	long: `
Counts the keys of each family, all of them, and estimates their memory from a random sample of
each: MEMORY USAGE of so many keys, the mean of which stands for all. The bound beside it is that
of a 95 % confidence interval; it is missing where all keys were measured. Sizes that differ by
orders of magnitude need a larger sample than the bound tells. A family is what stands in front of
the first colon, or of more with -depth. Control keys, staged values and what Check stores are the
family of their prefix. Keys that are written meanwhile may be missing, or counted twice.
`,
	flags: func(a *app, f *flag.FlagSet) func(context.Context, []string) (int, error) {
		sample := f.Int("sample", 500, "measure `N` keys of each family, 500 without it")
		depth := f.Int("depth", 1, "a family is named by `N` parts, by colons")
		return func(ctx context.Context, args []string) (int, error) {
			switch {
			case len(args) > 1:
				return exitUsage, usageError("du takes one pattern, in quotes, as in 'user:*'")
			case *sample < 1 || *sample > 100_000:
				return exitUsage, usageError("-sample has to be from 1 to 100000")
			case *depth < 1:
				return exitUsage, usageError("-depth has to be at least 1")
			}
			match := glob("*")
			if len(args) == 1 {
				match = glob(args[0])
			}
			u := &usage{app: a, sample: *sample, depth: *depth, families: make(map[string]*family)}
			return u.run(ctx, match)
		}
	},
}

const (
	maxFamilies = 10_000     // that are counted one by one
	others      = "(others)" // the family of all further ones
)

// A usage is what du finds.
type usage struct {
	app           *app
	sample, depth int
	families      map[string]*family
	keys          int64
}

// A family is the keys of one, and a random sample of them.
type family struct {
	name   string
	keys   int64
	sample []string
	bytes  []float64 // of the sample's
}

// A measured is the JSON of a family.
type measured struct {
	Family  string `json:"family"`
	Keys    int64  `json:"keys"`
	Bytes   *int64 `json:"bytes"`    // null where Redis does not tell
	Bound   *int64 `json:"bytes_95"` // plus or minus; null where all were measured
	Sampled int    `json:"sampled"`  // keys that were measured
	Total   bool   `json:"total,omitempty"`
}

func (u *usage) run(ctx context.Context, match glob) (int, error) {
	p := u.app.progress()
	defer p.end()
	err := u.app.scan(ctx, match, func(keys []string) error {
		for _, key := range keys {
			u.add(key)
		}
		p.say("%d keys were counted", u.keys)
		return nil
	})
	if err != nil {
		return exitRedis, err
	}
	names := slices.SortedFunc(maps.Keys(u.families), func(a, b string) int {
		return cmp.Or(cmp.Compare(u.families[b].keys, u.families[a].keys), cmp.Compare(a, b))
	})
	refusal := ""
	for i, name := range names {
		if refusal == "" {
			if refusal, err = u.measure(ctx, u.families[name]); err != nil {
				return exitRedis, err
			}
		}
		p.say("%d of %d families were measured", i+1, len(names))
	}
	p.end()
	return u.report(names, refusal)
}

// add counts a key, and samples the keys of each family by reservoir sampling.
func (u *usage) add(key string) {
	u.keys++
	name := u.familyOf(key)
	f := u.families[name]
	if f == nil {
		if len(u.families) >= maxFamilies {
			name = others
		}
		if f = u.families[name]; f == nil {
			f = &family{name: name}
			u.families[name] = f
		}
	}
	f.keys++
	if len(f.sample) < u.sample {
		f.sample = append(f.sample, key)
	} else if i := rand.Int64N(f.keys); i < int64(u.sample) {
		f.sample[i] = key
	}
}

// familyOf names the family of a key.
func (u *usage) familyOf(key string) string {
	p := rediskey.Parse(u.app.prefix, key)
	switch {
	case p.Role != rediskey.RoleValue:
		return cmp.Or(u.app.prefix, rediskey.ControlPrefix)
	case p.Version > 0:
		return p.Name + "@" + strconv.Itoa(p.Version)
	}
	names := rediskey.Names(key, u.depth)
	if len(names) == 0 {
		return key
	}
	return names[len(names)-1]
}

// measure asks for the memory of a family's sample. Refusal says why Redis does not tell.
func (u *usage) measure(ctx context.Context, f *family) (refusal string, err error) {
	c, err := client.New(u.app.rdb, u.app.timeout)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for keys := range slices.Chunk(f.sample, 200) {
		deadline := time.Now().Add(u.app.timeout)
		cmds, err := c.SendUntil(ctx, deadline, func(ctx context.Context) []*client.Command {
			cmds := make([]*client.Command, len(keys))
			for i, key := range keys {
				cmds[i] = client.NewSmall(ctx, "memory", "usage", key)
			}
			return cmds
		})
		if err != nil {
			return "", u.app.plain(c.Explain(err))
		}
		for _, cmd := range cmds {
			n, err := cmd.Int()
			switch {
			case err == nil && n > 0:
				f.bytes = append(f.bytes, float64(n))
			case client.IsNoPermission(err) || client.IsUnknownCommand(err):
				return "MEMORY USAGE is refused, so that bytes are not known", nil
			case err != nil && !client.IsBroken(err): // broken: a key that is gone
				return "", u.app.plain(c.Explain(err))
			}
		}
	}
	return "", nil
}

// estimate returns about how many bytes a family takes, and the bound of that.
func (f *family) estimate() (bytes, bound float64, known bool) {
	n, all := float64(len(f.bytes)), float64(f.keys)
	if n == 0 {
		return 0, 0, false
	}
	mean, squares := 0.0, 0.0
	for _, b := range f.bytes {
		mean += b / n
	}
	for _, b := range f.bytes {
		squares += (b - mean) * (b - mean)
	}
	if n < 2 || n >= all {
		return mean * all, 0, true
	}
	deviation := math.Sqrt(squares / (n - 1))
	return mean * all, 1.96 * all * deviation / math.Sqrt(n) * math.Sqrt(1-n/all), true
}

// report prints the families and the total.
func (u *usage) report(names []string, refusal string) (int, error) {
	total := measured{Family: "total", Total: true}
	rows := make([]measured, 0, len(names)+1)
	var sum, squares float64
	known, sampled := refusal == "", false
	for _, name := range names {
		f := u.families[name]
		m := measured{Family: name, Keys: f.keys, Sampled: len(f.bytes)}
		bytes, bound, ok := f.estimate()
		if ok && known {
			m.Bytes = rounded(bytes)
			if int64(len(f.bytes)) < f.keys {
				m.Bound, sampled = rounded(bound), true
			}
		}
		sum, squares = sum+bytes, squares+bound*bound
		total.Keys, total.Sampled = total.Keys+f.keys, total.Sampled+len(f.bytes)
		rows = append(rows, m)
	}
	if known {
		total.Bytes = rounded(sum)
	}
	if sampled {
		total.Bound = rounded(math.Sqrt(squares))
	}
	if err := u.printRows(append(rows, total), refusal); err != nil {
		return exitRedis, err
	}
	if len(names) == 0 {
		return exitNotFound, nil
	}
	return exitOK, nil
}

func (u *usage) printRows(rows []measured, refusal string) error {
	if u.app.json {
		for _, m := range rows {
			if err := u.app.print(m, ""); err != nil {
				return err
			}
		}
		return nil
	}
	cells := [][]string{{"FAMILY", "KEYS", "BYTES", "95 %", "MEASURED"}}
	for _, m := range rows {
		row := []string{
			explain.Printable(m.Family), strconv.FormatInt(m.Keys, 10), "unknown", "",
			strconv.Itoa(m.Sampled),
		}
		if m.Bytes != nil {
			row[2] = size(*m.Bytes)
		}
		if m.Bound != nil {
			row[3] = "± " + size(*m.Bound)
		}
		cells = append(cells, row)
	}
	if err := u.app.table(cells); err != nil {
		return err
	}
	last := rows[len(rows)-1]
	says := fmt.Sprintf("All keys were counted; "+
		"bytes are estimated from %d of them that were measured, %d of each family at the most.", last.Sampled, u.sample)
	switch {
	case refusal != "":
		says = fmt.Sprintf("All keys were counted; %s.", refusal)
	case int64(last.Sampled) == last.Keys:
		says = "All keys were counted and measured."
	}
	_, err := fmt.Fprintln(u.app.stdout, says)
	return err
}

// table prints columns: the first one flush left, the others flush right.
func (a *app) table(cells [][]string) error {
	widths := make([]int, len(cells[0]))
	for _, row := range cells {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range cells {
		var b strings.Builder
		fmt.Fprintf(&b, "%-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], cell)
		}
		if _, err := fmt.Fprintln(a.stdout, b.String()); err != nil {
			return err
		}
	}
	return nil
}

func rounded(f float64) *int64 {
	n := int64(math.Round(f))
	return &n
}

// size returns a number of bytes in a unit that suits it.
func size(n int64) string {
	f, units := float64(n), []string{"B", "KB", "MB", "GB", "TB"}
	i := 0
	for ; f >= 10_000 && i < len(units)-1; i++ {
		f /= 1024
	}
	return strconv.FormatFloat(f, 'f', 0, 64) + " " + units[i]
}
