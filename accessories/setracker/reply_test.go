package setracker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/setracker"
	"github.com/ingle-home/ingle/accessories/trait"
)

// What a watch needs as an answer. Each row is the type of a frame, its body, and the answer's type and body.
func replies() [][3]string {
	position := "010100,000001,A,52.1,N,5.2,E,0,0,0,8,90,66,5,0,00010000"
	return [][3]string{
		{"LK", "", "LK"}, {"LK", "1,2,3", "LK"}, {"LK", "1,2", "LK"},
		{"INIT", "whatever", "INIT,1"}, {"CONFIG", "TY:g36,UL:600,VR:1.0", "CONFIG,1"},
		{"UD", position, ""}, {"UD2", position, ""}, {"UD3", position, ""}, {"UD_LTE", position, ""},
		{"UD_WCDMA", position, ""}, {"WT", position, ""},
		{"AL", position, "AL"}, {"AL_LTE", position, "AL"}, {"ALCUSTOMER1", position, "AL"},
		{"TKQ", "", "TKQ"}, {"TKQ2", "", "TKQ2"},
		{"TK", "#!AMR\nxx", "TK,0"}, {"TK2", "#!AMR\nxx", "TK,0"}, {"TK", "1", ""}, {"TK2", "0", ""}, {"TK", "", ""},
		{"JXTK", "0,a.amr,1,2,#!AMR\nxx", "JXTKR,0"}, {"img", "5,010100000001,jpeg", ""},
		{"bphrt", "120,80,70,,,,", "bphrt"}, {"oxygen", "0,98", "oxygen,1"}, {"btemp2", "0,36.5", "btemp2"},
		{"heart", "70", ""}, {"PULSE", "70", ""}, {"BLOOD", "120,80", ""}, {"TEMP", "36.5", ""},
		{"CCID", "89", ""}, {"ICCID", "89", ""}, {"RYIMEI", "86", ""}, {"APPANDFNREPORT", "x", ""},
		{"SMSREMINDSTATUSINFO", "x", ""}, {"VERNO", "G36", ""}, {"TS", "x", ""},
		{"PP", position, ""}, {"FIND", "", ""}, {"CR", "", ""}, {"RESET", "", ""}, {"NOSUCHTYPE", "x", ""},
	}
}

func TestRepliesByteForByteInEveryDialect(t *testing.T) {
	for _, maker := range []string{"3G", "SG", "CS", "ZJ"} {
		for _, index := range []string{"", "0001", "a0FF"} {
			if index != "" && maker != "ZJ" {
				continue
			}
			inside(t, func(t *testing.T, s *street, _ *running) {
				for i, r := range replies() {
					if i%20 == 0 {
						after(time.Minute) // fills the bucket of frames
					}
					in := setracker.Frame{Maker: maker, ID: watch, Index: index, Type: r[0], Body: []byte(r[1])}
					c := s.call("10.0.0.1")
					got := c.say(string(in.Encode()))
					c.Close()
					synctest.Wait()
					want, star := "", index
					if star != "" {
						star += "*"
					}
					if r[2] != "" {
						want = fmt.Sprintf("[%s*%s*%s%04x*%s]", maker, watch, star, len(r[2]), r[2])
					}
					wantText(t, string(in.Encode()), got, want)
				}
			})
		}
	}
}

// One recording may come as several frames in one write.
func TestEachPartOfARecordingIsAnswered(t *testing.T) {
	inside(t, func(t *testing.T, s *street, _ *running) {
		parts := ""
		for i := range 3 {
			parts += frame(watch, "JXTK", fmt.Sprintf("0,a.amr,%d,3,\x7d\x03\x7d\x02%d", i+1, i))
		}
		wantText(t, "answers", s.call("10.0.0.1").say(parts), strings.Repeat("[3G*3456789012*0007*JXTKR,0]", 3))
	})
}

// No word that makes a watch listen, look, call or change its software is in what we send.
func TestNoSpyCommandIsInTheSources(t *testing.T) {
	spy := regexp.MustCompile(`(?i)monitor|acall|\bcall,|"call"|rcapture|upgrade|takepills|"sms|wifiset|wifisearch`)
	read := 0
	for _, pattern := range []string{"*.go", "sim/*.go", "sim/cmd/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			read++
			if word := spy.Find(text); word != nil {
				t.Errorf("%s has %q", name, word)
			}
		}
	}
	if read < 8 {
		t.Errorf("only %d files were read", read)
	}
}

// The types of all frames that go to a watch stand in the sources as texts: these, and no others.
func TestOnlyTheseFramesAreSent(t *testing.T) {
	sent := map[string]bool{}
	inside(t, func(t *testing.T, s *street, r *running) {
		old, young := s.call("10.0.0.1"), s.call("10.0.1.1")
		all := ""
		for i, m := range replies() {
			if i%20 == 19 {
				after(time.Minute)
			}
			all += old.say(frame(watch, m[0], m[1])) + young.say(frame(watch, m[0], m[1]))
		}
		go func() { _ = r.Do(t.Context(), trait.Find.Set(true)) }()
		after(time.Minute)
		all += old.heard() + young.heard()
		for _, f := range cut([]byte(all)) {
			sent[f.Type] = true
		}
	})
	known := []string{"LK", "INIT", "CONFIG", "AL", "TKQ", "TKQ2", "TK", "JXTKR", "bphrt", "oxygen", "btemp2", "VERNO", "FIND"}
	for _, k := range known {
		if !sent[k] {
			t.Errorf("%s was not sent", k)
		}
		delete(sent, k)
	}
	if len(sent) > 0 {
		t.Errorf("sent as well: %v", sent)
	}
}
