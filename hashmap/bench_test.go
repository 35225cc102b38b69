package hashmap_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// An account is the struct of 12 fields and about 300 bytes that the budgets are
// measured with.
type account struct {
	ID       int64         `redis:"id"`
	Name     string        `redis:"name"`
	Email    string        `redis:"email"`
	Bio      string        `redis:"bio"`
	City     string        `redis:"city"`
	Age      int           `redis:"age"`
	Logins   uint32        `redis:"logins"`
	Score    float64       `redis:"score"`
	Active   bool          `redis:"active"`
	Timeout  time.Duration `redis:"timeout"`
	Created  time.Time     `redis:"created"`
	Referrer int64         `redis:"referrer"`
}

var ann = account{
	ID: 123456789, Name: "Ann Example", Email: "ann@example.org",
	Bio:  "Writes about caches, their keepers, and what becomes of both when nobody looks for a while; lives by the sea and travels by train.",
	City: "Lisbon", Age: 41, Logins: 1728, Score: 97.25, Active: true, Timeout: 90 * time.Second,
	Created: time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC), Referrer: 987654321,
}

var accounts = hashmap.MustOf[account]()

// The names of byHand, in the order of the fields.
var (
	nameID, nameName, nameEmail, nameBio          = []byte("id"), []byte("name"), []byte("email"), []byte("bio")
	nameCity, nameAge, nameLogins, nameScore      = []byte("city"), []byte("age"), []byte("logins"), []byte("score")
	nameActive, nameTimeout, nameCreated, nameRef = []byte("active"), []byte("timeout"), []byte("created"), []byte("referrer")
)

// encodeByHand is what a programmer would write for an account.
func encodeByHand(w *codec.Wire, a *account) error {
	w.Keep(nameID, strconv.AppendInt(w.Scratch(), a.ID, 10))
	w.Keep(nameName, append(w.Scratch(), a.Name...))
	w.Keep(nameEmail, append(w.Scratch(), a.Email...))
	w.Keep(nameBio, append(w.Scratch(), a.Bio...))
	w.Keep(nameCity, append(w.Scratch(), a.City...))
	w.Keep(nameAge, strconv.AppendInt(w.Scratch(), int64(a.Age), 10))
	w.Keep(nameLogins, strconv.AppendUint(w.Scratch(), uint64(a.Logins), 10))
	w.Keep(nameScore, strconv.AppendFloat(w.Scratch(), a.Score, 'f', -1, 64))
	w.Keep(nameActive, strconv.AppendBool(w.Scratch(), a.Active))
	w.Keep(nameTimeout, strconv.AppendInt(w.Scratch(), int64(a.Timeout), 10))
	b, err := a.Created.AppendText(w.Scratch())
	if err != nil {
		return err
	}
	w.Keep(nameCreated, b)
	w.Keep(nameRef, strconv.AppendInt(w.Scratch(), a.Referrer, 10))
	return nil
}

// decodeByHand is what a programmer would write for an account.
func decodeByHand(w *codec.Wire, a *account) (err error) {
	for i := range w.Len() {
		src := w.Value(i)
		var n int64
		var u uint64
		switch string(w.Name(i)) {
		case "id":
			a.ID, err = strconv.ParseInt(string(src), 10, 64)
		case "name":
			a.Name = string(src)
		case "email":
			a.Email = string(src)
		case "bio":
			a.Bio = string(src)
		case "city":
			a.City = string(src)
		case "age":
			n, err = strconv.ParseInt(string(src), 10, 0)
			a.Age = int(n)
		case "logins":
			u, err = strconv.ParseUint(string(src), 10, 32)
			a.Logins = uint32(u)
		case "score":
			a.Score, err = strconv.ParseFloat(string(src), 64)
		case "active":
			a.Active, err = strconv.ParseBool(string(src))
		case "timeout":
			n, err = strconv.ParseInt(string(src), 10, 64)
			a.Timeout = time.Duration(n)
		case "created":
			err = a.Created.UnmarshalText(src)
		case "referrer":
			a.Referrer, err = strconv.ParseInt(string(src), 10, 64)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// encoded returns the account on a wire, and as the map that HGETALL gives.
func encoded(tb testing.TB, a *account) (*codec.Wire, map[string]string) {
	tb.Helper()
	w := new(codec.Wire)
	if err := accounts.Encode(w, a); err != nil {
		tb.Fatal(err)
	}
	m := map[string]string{}
	for i := range w.Len() {
		m[string(w.Name(i))] = string(w.Value(i))
	}
	return w, m
}

// inTurns measures contenders in short turns, because long runs one after
// another are noisier than what they compare. It reports the median time of the
// first one, and the medians of the ratios of the others' times to it.
func inTurns(b *testing.B, names []string, run ...func() error) {
	const calls = 2000 // a millisecond or so
	figures := make([][]float64, len(run))
	for b.Loop() {
		var first float64
		for i, f := range run {
			began := time.Now()
			for range calls {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
			figure := float64(time.Since(began))
			if i == 0 {
				first = figure
				figure /= calls
			} else {
				figure /= first
			}
			figures[i] = append(figures[i], figure)
		}
	}
	for i, f := range figures {
		slices.Sort(f)
		unit := "ns/" + names[0]
		if i > 0 {
			unit = names[i] + "/" + names[0]
		}
		b.ReportMetric(f[len(f)/2], unit)
	}
}

func BenchmarkEncode(b *testing.B) {
	var ours, hand codec.Wire
	inTurns(b, []string{"mapping", "byhand"},
		func() error { ours.Reset("user:42"); return accounts.Encode(&ours, &ann) },
		func() error { hand.Reset("user:42"); return encodeByHand(&hand, &ann) },
	)
}

func BenchmarkDecode(b *testing.B) {
	w, m := encoded(b, &ann)
	// One destination for all: where it is allocated is not what is compared.
	a := new(account)
	inTurns(b, []string{"mapping", "byhand", "goredis"},
		func() error { *a = account{}; return accounts.Decode(w, a) },
		func() error { *a = account{}; return decodeByHand(w, a) },
		func() error { *a = account{}; return redis.NewMapStringStringResult(m, nil).Scan(a) },
	)
}
