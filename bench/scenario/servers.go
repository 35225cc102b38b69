package scenario

import (
	"context"

	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// servers measures hits on other servers than that of the report.
func servers(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Redis hit on other servers",
		Text: "The contenders whose entries are in Redis, with values of 300 B as above, " +
			"on each other server program that was found.",
	}
	if len(l.Others) == 0 {
		s.Text += " There was no other."
	}
	for _, other := range l.Others {
		l.Progress("%s", other.Version)
		t, _, err := l.hits(ctx, other, pick(l, hitCallers, []int{1, 16}), subject.Small)
		if err != nil {
			return s, err
		}
		t.Title = other.Version
		s.Tables = append(s.Tables, t)
	}
	return s, nil
}
