package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/storage/records"
)

// Home keeps the home. It implements home.Store.
type Home struct{ Store *records.Store }

// Load reads everything but the secrets.
func (h Home) Load(ctx context.Context) (home.Contents, error) {
	var c home.Contents
	var err error
	if c.People, err = list[home.Person](ctx, h.Store, kindPerson); err != nil {
		return c, err
	}
	if c.Zones, err = list[home.Zone](ctx, h.Store, kindZone); err != nil {
		return c, err
	}
	c.Accessories, err = list[home.Accessory](ctx, h.Store, kindAccessory)
	return c, err
}

// SavePerson keeps a person under that person's own key.
func (h Home) SavePerson(ctx context.Context, p home.Person) error {
	return put(ctx, h.Store, kindPerson, p.ID, subjectOfPerson(p.ID), p)
}

// SaveZone keeps a zone.
func (h Home) SaveZone(ctx context.Context, z home.Zone) error {
	return put(ctx, h.Store, kindZone, z.ID, household, z)
}

// SaveAccessory keeps an accessory under its own key, and its secrets in a record apart; both or
// neither.
func (h Home) SaveAccessory(ctx context.Context, a home.Accessory, secrets map[string]string) error {
	thing, err := record(kindAccessory, a.ID, subjectOfAccessory(a.ID), a)
	if err != nil {
		return err
	}
	if secrets == nil {
		return write(ctx, h.Store, thing)
	}
	apart, err := record(kindSecrets, a.ID, subjectOfAccessory(a.ID), secrets)
	if err != nil {
		return err
	}
	return write(ctx, h.Store, thing, apart)
}

// DropAccessory destroys the accessory's key and with it the record and the secrets.
func (h Home) DropAccessory(ctx context.Context, id string) error {
	if err := h.Store.Forget(ctx, subjectOfAccessory(id)); err != nil {
		return fmt.Errorf("archive: drop %s: %w", id, err)
	}
	return nil
}

// DropPerson destroys the person's key and with it the person's readings, alarms and name.
func (h Home) DropPerson(ctx context.Context, id string) error {
	if err := h.Store.Forget(ctx, subjectOfPerson(id)); err != nil {
		return fmt.Errorf("archive: drop %s: %w", id, err)
	}
	return nil
}

// DropZone deletes a zone.
func (h Home) DropZone(ctx context.Context, id string) error { return drop(ctx, h.Store, kindZone, id) }

// Secrets gives an accessory's secrets; none for one that has none.
func (h Home) Secrets(ctx context.Context, accessory string) (map[string]string, error) {
	r, err := h.Store.Get(ctx, kindSecrets, accessory)
	if errors.Is(err, records.ErrNotFound) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("archive: secrets of %s: %w", accessory, err)
	}
	secrets := map[string]string{}
	if err := json.Unmarshal(r.Body, &secrets); err != nil {
		return nil, fmt.Errorf("archive: secrets of %s: %w", accessory, err)
	}
	return secrets, nil
}
