-- LoRAs that a person draws with wherever they name none, as text: `ink:0.8, other`. Empty: none.

ALTER TABLE user_defaults ADD COLUMN lora TEXT NOT NULL DEFAULT '';
