"""What a person does on the page, by what they see and by the keyboard."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page


@dataclass
class Visit:
    """Somebody at the page."""

    page: "Page"

    def become(self, user: str) -> None:
        self.page.get_by_role("radio", name=re.compile(f"^{user}")).click()
        self.page.wait_for_function(
            "name => document.title.includes(name) && !!document.querySelector('#say:enabled')"
            " && !document.querySelector('#status').textContent"
            " && !document.querySelector('#messages[aria-busy]')",
            arg=f"· {user} ·",
        )

    def enter(self, channel: str, *, loaded: bool = True) -> None:
        self.page.get_by_role("button", name=re.compile(f"^{channel}\\b")).first.click()
        self.wait_for_channel(channel, loaded=loaded)

    def wait_for_channel(self, channel: str, *, loaded: bool = True) -> None:
        """Until the page shows it and, if `loaded`, the messages in it.

        Without them what is loaded later could be taken for an answer, see `answer_to`.
        """
        self.page.wait_for_function(
            "([name, loaded]) => document.title.startsWith(name + ' ·')"
            " && !(loaded && document.querySelector('#messages[aria-busy]'))",
            arg=[channel, loaded],
        )

    @property
    def box(self) -> "Locator":
        """The message box."""
        return self.page.locator("#say")

    @property
    def lines(self) -> "Locator":
        """What is suggested."""
        return self.page.locator("#popup").get_by_role("option")

    @property
    def messages(self) -> "Locator":
        return self.page.locator("#messages > li.message")

    @property
    def last(self) -> "Locator":
        return self.messages.last

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def option(self, name: str) -> "Locator":
        """The field of an option of the command being typed."""
        return self.page.locator(f'.field[data-option="{name}"]')

    def imagine(self, prompt: str, **options: str) -> "Locator":
        """Paste a whole command and send it; returns the message that answers.

        The seed is always the same: with some, the demo's tagger rates the demo model's picture
        too high, and it is withheld.
        """
        said = {"seed": "5", **options}
        given = "".join(f" {name}: {value}" for name, value in said.items())
        return self.command(f"imagine prompt: {prompt}{given}")

    def command(self, text: str) -> "Locator":
        """Paste a whole command and send it; returns the message that answers."""
        return self.answer_to(lambda: self._send(text))

    def answer_to(self, action: "Callable[[], object]") -> "Locator":
        """The message that answers what `action` does.

        Other messages may arrive at the same time, such as entries of the moderation log: an
        answer names the person whose command, form or button it answers.
        """
        from playwright.sync_api import expect

        known = self.messages.evaluate_all("all => all.map(each => each.dataset.id)")
        action()
        answers = self.page.locator(".reference").filter(has_not_text="↪")
        fresh = (
            self.page.locator(
                "#messages > li.message" + "".join(f':not([data-id="{each}"])' for each in known)
            )
            .filter(has=answers)
            .last
        )
        expect(fresh).to_be_visible()
        return self.message(fresh)

    def _send(self, text: str) -> None:
        # The space ends a command without options: nothing is suggested any more, and Escape
        # would leave it.
        whole = ":" in text
        self.box.fill(f"/{text}" if whole else f"/{text} ")
        if whole:
            self.press("Escape")
        self.press("Enter")

    @property
    def answer(self) -> "Locator":
        """The newest answer that only this person sees."""
        return self.page.locator("li.ephemeral").last

    def message(self, same: "Locator") -> "Locator":
        """The message here that somebody else sees as `same`."""
        return self.page.locator(f'li[data-id="{same.get_attribute("data-id")}"]')

    def star(self, message: "Locator") -> None:
        """React with a star."""
        message.hover()
        message.get_by_role("button", name="More about this message").click()
        self.page.get_by_role("menuitem", name=re.compile("⭐")).click()

    def choose(self, panel: "Locator", menu: str, *options: str) -> None:
        """Take `options` in the select menu of a message whose face says `menu`."""
        panel.get_by_role("button", name=re.compile(menu)).click()
        for option in options:
            panel.get_by_role("option", name=option, exact=True).click()
        if panel.get_by_role("option").count():  # a menu of several stays open
            self.press("Escape")

    def from_menu(self, message: "Locator", entry: str) -> None:
        """Use an entry of a message's own menu."""
        message.locator(".content, .embed, .files").last.click(button="right")
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def fill_form(self, **values: str) -> None:
        """Fill the fields of the form whose labels begin so (`_` for a space), and send it."""
        from playwright.sync_api import expect

        form = self.page.get_by_role("dialog")
        for label, value in values.items():
            form.get_by_label(re.compile(f"^{label.replace('_', ' ')}")).fill(value)
        form.get_by_role("button", name="Submit").click()
        expect(form).to_have_count(0)

    def press_behind_more(self, message: "Locator", name: str) -> None:
        """Open "More" under a picture and press a button there."""
        panel = self.answer_to(self.button(message, "^More$").click)
        self.button(panel, name).click()

    def button(self, message: "Locator", name: str) -> "Locator":
        return message.get_by_role("button", name=re.compile(name))
