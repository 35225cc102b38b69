package fleet

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/asidecache/aside/internal/redistest"
)

// reportOn is what a worker does that counts for itself: it writes a report for each line of
// standard input, until that ends.
func reportOn(take func() any) error {
	reports := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := reports.Encode(take()); err != nil {
			return err
		}
	}
	return nil
}

// A reportingMember is such a worker as its parent sees it.
type reportingMember struct {
	ask     io.WriteCloser
	answers *json.Decoder
}

// startReporting starts a worker that a variable of the environment gives a job.
func startReporting(t *testing.T, env string, job any) reportingMember {
	t.Helper()
	text, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), env+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := redistest.StartProcess(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("a worker: %v", err)
		}
	})
	return reportingMember{in, json.NewDecoder(out)}
}

// reportsOf asks all workers for what they have done.
func reportsOf[R any](t *testing.T, members []reportingMember) []R {
	t.Helper()
	reports := make([]R, len(members))
	for i, m := range members {
		_, err := io.WriteString(m.ask, "report\n")
		if err == nil {
			err = m.answers.Decode(&reports[i])
		}
		if err != nil {
			t.Fatalf("worker %d: %v", i, err)
		}
	}
	return reports
}
