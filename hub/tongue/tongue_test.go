package tongue_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/tongue"
)

// paper keeps the state, or fails.
type paper struct {
	kept tongue.State
	err  error
}

func (p *paper) Save(_ context.Context, s tongue.State) error {
	if p.err == nil {
		p.kept = s
	}
	return p.err
}

func TestTheHomeSpeaksTheLanguageThatWasChosen(t *testing.T) {
	told := 0
	home, store := tongue.New("en", func(context.Context) { told++ }), &paper{}
	if err := home.Wish("xx"); wire.Code(err) != wire.CodeLanguage || home.Lang() != "en" {
		t.Error(err, home.Lang())
	}
	if err := home.Wish("de_AT.UTF-8"); err != nil || home.Lang() != "de" {
		t.Error(err, home.Lang())
	}
	home.Open(store, tongue.State{})
	if err := home.Keep(t.Context()); err != nil || store.kept.Language != "de" || told != 0 {
		t.Error(err, store.kept, told)
	}
	if now, err := home.SetLanguage(t.Context(), wire.Language{Language: "pt-BR"}); err != nil || now.Language != "pt_BR" || store.kept.Language != "pt_BR" || told != 1 {
		t.Error(now, err, store.kept, told)
	}
	again := tongue.New("en", nil)
	again.Open(store, store.kept)
	if again.Lang() != "pt_BR" {
		t.Error(again.Lang())
	}
}

func TestALanguageThatIsNotKeptIsNotSpoken(t *testing.T) {
	home, full := tongue.New("en", nil), errors.New("full")
	if _, err := home.SetLanguage(t.Context(), wire.Language{Language: "fr"}); wire.Code(err) != wire.CodeLocked {
		t.Error(err)
	}
	home.Open(&paper{err: full}, tongue.State{Language: "gone"})
	if _, err := home.SetLanguage(t.Context(), wire.Language{Language: "fr"}); !errors.Is(err, full) || home.Lang() != "en" {
		t.Error(err, home.Lang())
	}
	if _, err := home.SetLanguage(t.Context(), wire.Language{Language: "klingon"}); wire.Code(err) != wire.CodeLanguage {
		t.Error(err)
	}
}
