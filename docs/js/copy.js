// The copy button of a console block copies its commands, without the prompts `$ ` and `> ` and without what they print.
function commandsOf(text) {
  const commands = [];
  let typing = false;
  for (const line of text.split('\n')) {
    typing = line.startsWith('$ ') || (typing && line.startsWith('> '));
    if (typing) commands.push(line.slice(2));
  }
  return commands.join('\n');
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('.clip-button');
  const code = button && button.closest('pre').querySelector('code.language-console');
  if (!code) return;
  event.stopImmediatePropagation();
  navigator.clipboard.writeText(commandsOf(code.textContent)).then(() => {
    button.classList.add('tooltipped');
    const tip = button.querySelector('.tooltiptext');
    if (tip) tip.innerText = 'Commands copied!';
  });
}, true);
