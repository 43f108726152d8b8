// The copy button of a console block copies its commands, without `$ ` and without what they print.
document.addEventListener('click', (event) => {
  const button = event.target.closest('.clip-button');
  const code = button && button.closest('pre').querySelector('code.language-console');
  if (!code) return;
  event.stopImmediatePropagation();
  const commands = code.textContent.split('\n').filter((line) => line.startsWith('$ '));
  navigator.clipboard.writeText(commands.map((line) => line.slice(2)).join('\n')).then(() => {
    button.classList.add('tooltipped');
    const tip = button.querySelector('.tooltiptext');
    if (tip) tip.innerText = 'Commands copied!';
  });
}, true);
